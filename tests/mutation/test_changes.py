"""What is changed, what is not, and that the same seed draws the same."""

import pytest

from tests.mutation.changes import changed, changes, shown
from tests.mutation.drawing import drawn

PAGE = '''"""A page."""
import structlog

log = structlog.get_logger()
LIMIT = 5


def decide(dose: float | None = 1, *, most: int = LIMIT) -> list[str]:
    """A sentence."""
    if dose is None:
        raise RuleViolated("dose-missing", "A dose is needed.", field="dose")
    log.info("dose decided", dose=dose)
    return [str(round(dose, 2))] if dose <= most else []


class Order:
    @property
    def total(self) -> int:
        return sum(
            self.doses,
            1,
        )
'''

FOUND = changes("page.py", PAGE)
AFTERS = {change.after for change in FOUND}
SOURCES = dict(changed(PAGE, {change.index for change in FOUND}))


@pytest.mark.parametrize("after", ["< most", "is not", "3", "round(dose, )", "round(None, 2)"])
def test_comparisons_numbers_and_arguments_are_changed(after: str) -> None:
    assert after in AFTERS


def test_slugs_and_fields_of_errors_are_changed_but_their_sentences_are_not() -> None:
    assert {'"XXdose-missingXX"', '"XXdoseXX"'} <= AFTERS
    assert all('"A dose is needed."' in text for text in SOURCES.values() if "RuleViolated" in text)


def test_logs_annotations_and_what_stands_outside_of_functions_stay_as_they_are() -> None:
    assert {change.function for change in FOUND} == {"decide", "Order.total"}
    for text in SOURCES.values():
        assert 'log.info("dose decided", dose=dose)' in text
        assert "-> list[str]:" in text


def test_a_change_of_a_property_is_reached_by_any_line_of_its_statement() -> None:
    (change,) = [found for found in FOUND if found.function == "Order.total" and found.after == "2"]
    assert change.line == 21
    assert change.reached_by == (19, 22)


def test_a_change_of_a_head_is_not_reached_by_what_stands_below_it() -> None:
    (change,) = [found for found in FOUND if found.after == "is not"]
    assert change.reached_by == (10, 10)


def test_a_changed_default_is_reached_by_all_of_the_function() -> None:
    (change,) = [found for found in FOUND if found.before == "1" and found.function == "decide"]
    assert change.reached_by == (9, 13)


def test_each_change_is_one_change_and_still_python() -> None:
    assert len(SOURCES) == len(FOUND)
    assert len(set(SOURCES.values())) == len(FOUND)
    assert shown("page.py", PAGE, SOURCES[FOUND[0].index]).count("@@") == 2


def test_a_seed_draws_the_same_again_and_another_seed_others() -> None:
    assert drawn(FOUND, 10, 1) == drawn(reversed(FOUND), 10, 1)
    assert drawn(FOUND, 10, 1) != drawn(FOUND, 10, 2)
    assert drawn(FOUND, 10, 1) == drawn(FOUND, 20, 1)[:10]


def test_code_elsewhere_does_not_change_what_is_drawn() -> None:
    longer = changes("page.py", PAGE.replace("LIMIT = 5\n", "LIMIT = 5\nMORE = 6\n") + "\n\ndef more() -> None: ...\n")
    assert [change.name for change in drawn(longer, 10, 1)] == [change.name for change in drawn(FOUND, 10, 1)]
