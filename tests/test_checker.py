"""The checker, checked: a good history holds, and each of twelve corruptions of it is caught under its letter."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.checker.history import CHECKS, Evidence, Told, broken, read_back, written
from tests.support.histories.good_history import ANA, BEN, JOURNAL, LOG, PARTITIONS, TOPIC, event, reoffset

SERVICE = "monitoring"


def told(command: str, status: str = "OK", *, token: str = "", at_least: int = 0, seen: int = 0) -> Told:
    return Told(
        who="nurse",
        service=SERVICE,
        command=command,
        patient=str(ANA),
        operation="RecordDose" if command else "GetCareView",
        status=status,
        token=token,
        at_least=at_least,
        seen=seen,
    )


SECTIONS = {(ANA, SERVICE): b"ana", (BEN, SERVICE): b"ben"}
GOOD = Evidence(
    service=SERVICE,
    partitions=PARTITIONS,
    history=(
        told("command-1", token="t1"),
        told("two", "UNAVAILABLE"),
        told("two", token="t3"),
        told("two", token="t3"),
        told("command-4", "DEADLINE_EXCEEDED"),
        told("command-5", token="t5"),
        told("refused", "FAILED_PRECONDITION"),
        told("never-stored", "UNAVAILABLE"),
        told("", at_least=3, seen=4),
    ),
    stored=LOG,
    callers=dict.fromkeys((row.command_id for row in LOG), "nurse"),
    sent=TOPIC,
    journal=JOURNAL,
    shown=SECTIONS,
    folded=SECTIONS,
    rebuilt=SECTIONS,
)
Corruption = Callable[[Evidence], Evidence]


def also(*more: Told) -> Corruption:
    return lambda good: replace(good, history=(*good.history, *more))


CORRUPTIONS: dict[str, tuple[Corruption, str]] = {
    "I1": (also(told("lost", token="t9")), "an acknowledged request is lost (lost)"),
    "I2": (
        lambda good: replace(good, stored=[*LOG[:3], replace(LOG[3], command_id="command-1"), LOG[4]]),
        "a command has two sets of events: positions [1, 4]",
    ),
    "I3": (
        lambda good: replace(good, history=(*good.history[1:], told("command-1", "INVALID_ARGUMENT"))),
        "a refused request is stored (command-1)",
    ),
    "I4": (also(told("two", token="t4")), "a request was answered in 2 ways (two)"),
    "I5": (
        lambda good: replace(good, stored=[*LOG[:3], replace(LOG[3], version=3), LOG[4]]),
        "position 4 has version 3 where 4 was due",
    ),
    "I6": (
        lambda good: replace(good, sent=reoffset([TOPIC[0], TOPIC[2], TOPIC[1], *TOPIC[3:]])),
        "reordered, position 2 after 3",
    ),
    "I7": (
        lambda good: replace(good, folded={**SECTIONS, (BEN, SERVICE): b"else"}),
        f"the section of {SERVICE} is not its fold, patient {BEN}",
    ),
    "I8": (
        lambda good: replace(good, journal=[*JOURNAL, replace(JOURNAL[4], position=6)]),
        f"twice in the journal: event {event(5)}",
    ),
    "I9": (also(told("", at_least=5, seen=4)), "GetCareView was asked for 5 and showed 4"),
    "I10": (
        lambda good: replace(good, callers={**good.callers, "command-5": "somebody"}),
        "the caller of a request is not on record (command-5)",
    ),
    "I11": (also(told("odd", "UNKNOWN")), "RecordDose ended with UNKNOWN"),
    "I12": (lambda good: replace(good, rebuilt={**SECTIONS, (ANA, SERVICE): b"else"}), "pair 1 differs"),
}


def test_a_good_history_holds() -> None:
    assert broken(GOOD) == {}


def test_there_is_a_corruption_for_every_letter() -> None:
    assert list(CORRUPTIONS) == list(CHECKS) == [f"I{number}" for number in range(1, 13)]


@pytest.mark.parametrize("letter", CHECKS)
def test_each_corruption_is_caught_and_named(letter: str) -> None:
    corrupt, wrong = CORRUPTIONS[letter]
    found = broken(corrupt(GOOD))
    assert list(found) == [letter]
    assert any(wrong in one for one in found[letter])


def test_a_history_is_kept_as_lines() -> None:
    lines = written(GOOD.history)
    assert len(lines.splitlines()) == len(GOOD.history)
    assert read_back(lines) == list(GOOD.history)
