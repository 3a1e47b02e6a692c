"""Try one change: put it into the copied tree, ask the tests that reach it, take it out again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tests.mutation.asking import Answer, Question
from tests.mutation.changes import Change, shown
from tests.mutation.tree import Tree

STEADY_TRIES = 3
PATIENCE = 30.0


class Outcome(StrEnum):
    NOTICED = "noticed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_REACHED = "not reached"


NOTICED = frozenset({Outcome.NOTICED, Outcome.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a change; `left_out` counts the tests that reach it but are too slow to be asked."""

    change: Change
    outcome: Outcome
    diff: str
    asked: int
    left_out: int
    seconds: float
    noticed_by: str = ""


class Tests(Protocol):
    """The tests, as far as trying a change needs them."""

    served: set[str]
    seconds: dict[str, float]

    def tests(self, change: Change) -> list[str]: ...


Ask = Callable[[Question], Answer]
"""Ask these tests about the tree as it is now."""


def try_change(tree: Tree, change: Change, text: str, tests: Tests, ask: Ask, *, budget: float) -> Tried:
    """Put the changed text in the file's place while the tests are asked; whatever happens, take it out again."""
    source = tree.read(change.file)
    reaching = tests.tests(change)
    chosen = within(reaching, tests.seconds, budget)
    spent = 0.0
    outcome, by = (Outcome.SURVIVED if reaching else Outcome.NOT_REACHED), ""
    for _ in range(STEADY_TRIES):
        if not chosen:
            break
        tree.write(change.file, text)
        try:
            answer = ask(question(chosen, tests.seconds))
        finally:
            tree.write(change.file, source)
        spent += answer.seconds
        outcome, by = said(answer)
        if outcome is not Outcome.NOTICED or by not in tests.served:
            break
        unchanged = ask(question([by], tests.seconds))
        spent += unchanged.seconds
        if unchanged.code == 0:
            break
        # It fails without the change as well, now: it says nothing about it.
        chosen = [test for test in chosen if test != by]
        outcome, by = Outcome.SURVIVED, ""
    left_out = len(reaching) - len(chosen)
    diff = shown(change.file, source, text)
    return Tried(
        change=change, outcome=outcome, diff=diff, asked=len(chosen), left_out=left_out, seconds=spent, noticed_by=by
    )


def said(answer: Answer) -> tuple[Outcome, str]:
    """A change that ends the tests in any other way than passing was noticed; exit code 5 means that none was found."""
    if answer.code is None:
        return Outcome.TIMED_OUT, ""
    if answer.code == 5:
        raise RuntimeError("pytest found none of the tests that it was asked to run")
    if answer.code == 0:
        return Outcome.SURVIVED, ""
    return Outcome.NOTICED, answer.failed[0] if answer.failed else ""


def within(tests: Sequence[str], seconds: dict[str, float], budget: float) -> list[str]:
    """The quickest tests, as many as take no longer than the budget together; always the first."""
    chosen: list[str] = []
    total = 0.0
    for test in tests:
        total += seconds[test]
        if chosen and total > budget:
            break
        chosen.append(test)
    return chosen


def question(tests: Sequence[str], seconds: dict[str, float]) -> Question:
    """With far more time than they take, even on a busy machine."""
    taken = [seconds[test] for test in tests]
    return Question(tests, each=PATIENCE + 4 * max(taken), deadline=PATIENCE + 4 * sum(taken))
