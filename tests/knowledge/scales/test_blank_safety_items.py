"""A question about a danger that was left blank is no no: the answers say so, whatever their total is."""

import pytest

from careloop.knowledge.scales.score import SAFETY_ITEM_MISSING, score

BLANK = None


def is_flagged(instrument: str, *answers: int | None) -> bool:
    return SAFETY_ITEM_MISSING in score(instrument, answers).flags


def test_a_phq_9_whose_item_9_is_blank_is_prorated_and_flagged() -> None:
    found = score("phq-9", (3,) * 8 + (BLANK,))
    assert (found.total, found.missing, found.flags) == (27, 1, (SAFETY_ITEM_MISSING,))


@pytest.mark.parametrize(
    ("answers", "flagged"),
    [
        ((1, 1, BLANK, BLANK, BLANK, 0, BLANK), True),
        ((1, 1, 1, BLANK, BLANK, 0, BLANK), True),
        ((1, 1, 1, 0, 0, 0, BLANK), False),
        ((0, 0, BLANK, BLANK, BLANK, 0, BLANK), False),
        ((1, 0, BLANK, BLANK, BLANK, 0, BLANK), False),
        ((BLANK, 0, BLANK, BLANK, BLANK, 0, BLANK), True),
        ((0, BLANK, BLANK, BLANK, BLANK, 0, BLANK), True),
        ((0, 0, BLANK, BLANK, BLANK, BLANK, BLANK), True),
        ((0, 0, BLANK, BLANK, BLANK, 1, BLANK), True),
        ((0, 0, BLANK, BLANK, BLANK, 1, 0), False),
        ((1, 1, BLANK, 1, BLANK, BLANK, BLANK), False),
        ((BLANK,) * 7, True),
    ],
)
def test_a_screener_is_flagged_where_a_yes_to_what_was_to_be_asked_would_say_more(
    answers: tuple[int | None, ...], flagged: bool
) -> None:
    assert is_flagged("c-ssrs", *answers) is flagged


def test_yes_yes_blank_has_no_band_and_says_that_it_is_incomplete() -> None:
    found = score("c-ssrs", (1, 1, BLANK, BLANK, BLANK, 0, BLANK))
    assert (found.band, found.flags, found.missing) == (None, (SAFETY_ITEM_MISSING,), 4)


def test_what_is_blank_elsewhere_is_only_counted() -> None:
    assert score("phq-9", (BLANK, *(0,) * 8)).flags == ()
    assert score("gad-7", (BLANK, *(0,) * 6)).flags == ()
