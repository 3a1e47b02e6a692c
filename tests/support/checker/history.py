"""What callers were told, and whether it agrees with what is stored: the judgement that rows alone cannot give."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from careloop.demo import verdict
from careloop.demo.verdict import Check, Journaled, Place, Sent, Stored

DEFINITE_NO = frozenset(
    {
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "ABORTED",
        "RESOURCE_EXHAUSTED",
    }
)
"""Statuses after which nothing of the request is stored."""
PERHAPS = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Statuses that leave open whether it is stored."""


class Outcome(Enum):
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one call. `token` is what a write was answered with; a read has what it asked for in `at_least`
    and how far it got in `seen`, both positions of its service."""

    who: str
    service: str
    command: str
    patient: str
    operation: str
    status: str
    token: str = ""
    at_least: int = 0
    seen: int = 0

    @property
    def outcome(self) -> Outcome:
        if self.status == "OK":
            return Outcome.OK
        return Outcome.FAIL if self.status in DEFINITE_NO else Outcome.UNKNOWN


def written(history: Iterable[Told]) -> bytes:
    """The history as JSON lines."""
    return msgspec.json.Encoder().encode_lines(list(history))


def read_back(lines: bytes) -> list[Told]:
    return msgspec.json.Decoder(Told).decode_lines(lines)


def acknowledged(history: Iterable[Told]) -> list[str]:
    return [told.command for told in history if told.outcome is Outcome.OK and told.command]


def failed_is_not_stored(history: Sequence[Told], stored: Iterable[str]) -> Check:
    """A request whose every answer was a definite no is not among the commands that are stored."""
    outcomes = _outcomes(history)
    failed = {command for command, told in outcomes.items() if told == {Outcome.FAIL}}
    wrong = sorted(set(stored) & failed)
    return _check("a refusal stores nothing", failed, [f"a refused request is stored ({one})" for one in wrong])


def repeats_answer_the_same(history: Sequence[Told]) -> Check:
    """However often a request was sent, whatever was not known meanwhile: each OK is the same answer."""
    tokens: dict[str, set[str]] = defaultdict(set)
    for told in history:
        if told.outcome is Outcome.OK and told.command:
            tokens[told.command].add(told.token)
    wrong = [f"a request was answered in {len(told)} ways ({one})" for one, told in tokens.items() if len(told) > 1]
    return _check("a repeat is answered as the first", tokens, wrong)


def reads_are_no_older(history: Sequence[Told]) -> Check:
    """What was read with a token includes what the token stands for."""
    reads = [told for told in history if told.at_least and told.outcome is Outcome.OK]
    wrong = [
        f"{told.operation} was asked for {told.at_least} and showed {told.seen}"
        for told in reads
        if told.seen < told.at_least
    ]
    return _check("a read with a token is no older", reads, wrong)


def caller_is_on_record(history: Sequence[Told], callers: Mapping[str, str]) -> Check:
    """Of every request that is acknowledged and stored the store says who made it."""
    told = [one for one in history if one.outcome is Outcome.OK and one.command]
    wrong = [
        f"the caller of a request is not on record ({one.command})"
        for one in told
        if callers.get(one.command, one.who) != one.who
    ]
    return _check("who did it is on record", told, wrong)


def statuses_are_documented(history: Sequence[Told]) -> Check:
    """A call ends with a status that callers were promised, and never with one that means a bug."""
    wrong = [
        f"{told.operation} ended with {told.status}"
        for told in history
        if told.status not in {"OK", *DEFINITE_NO, *PERHAPS}
    ]
    return _check("every status is documented", history, wrong)


def _outcomes(history: Iterable[Told]) -> dict[str, set[Outcome]]:
    outcomes: dict[str, set[Outcome]] = defaultdict(set)
    for told in history:
        if told.command:
            outcomes[told.command].add(told.outcome)
    return outcomes


def _check(name: str, counted: Iterable[object], wrong: Iterable[str]) -> Check:
    return Check(name=name, counted=f"{len(list(counted))} answers", wrong=tuple(wrong))


def told_and_stored(history: Sequence[Told], callers: Mapping[str, str]) -> list[Check]:
    """All that a history and the recorded commands with their callers can be judged by."""
    return [
        failed_is_not_stored(history, callers),
        repeats_answer_the_same(history),
        reads_are_no_older(history),
        caller_is_on_record(history, callers),
        statuses_are_documented(history),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A history of one service, with all that is stored, sent, journaled and shown of it. `callers` says of each
    recorded command who made it; `sections` pairs what is shown with its fold, `rebuilt` with what a rebuild made."""

    service: str
    partitions: int
    history: Sequence[Told]
    stored: Sequence[Stored]
    callers: Mapping[str, str]
    sent: Sequence[Sent]
    journal: Sequence[Journaled]
    shown: Mapping[Place, bytes]
    folded: Mapping[Place, bytes]
    rebuilt: Mapping[Place, bytes]


CHECKS: Mapping[str, Callable[[Evidence], Sequence[Check]]] = {
    "I1": lambda e: [verdict.acknowledged_is_kept(e.service, acknowledged(e.history), e.callers)],
    "I2": lambda e: [verdict.one_set_per_command(e.service, e.stored, e.callers)],
    "I3": lambda e: [failed_is_not_stored(e.history, [row.command_id for row in e.stored])],
    "I4": lambda e: [repeats_answer_the_same(e.history)],
    "I5": lambda e: [verdict.log_is_gapless(e.service, e.stored)],
    "I6": lambda e: [verdict.topic_is_log(e.service, e.stored, e.sent, e.partitions)],
    "I7": lambda e: [verdict.views_are_folds(e.shown, e.folded)],
    "I8": lambda e: [verdict.journal_is_topic(e.service, e.stored, e.journal), verdict.journal_is_gapless(e.journal)],
    "I9": lambda e: [reads_are_no_older(e.history)],
    "I10": lambda e: [caller_is_on_record(e.history, e.callers)],
    "I11": lambda e: [statuses_are_documented(e.history)],
    "I12": lambda e: [
        verdict.same_bytes("rebuilt = live", [(e.shown.get(place, b""), e.rebuilt[place]) for place in e.rebuilt])
    ],
}
"""The twelve things that must hold, by their letters."""


def broken(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    """What does not hold, by letter, with everything that was found wrong."""
    found = {
        letter: tuple(wrong for check in checks(evidence) for wrong in check.wrong) for letter, checks in CHECKS.items()
    }
    return {letter: wrong for letter, wrong in found.items() if wrong}
