"""A change in a copied tree, asked about with a real run of pytest: noticed, survived, not reached, hanging."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.mutation.asking import Answer, Question, ask
from tests.mutation.changes import Change, changed, changes
from tests.mutation.results import Results
from tests.mutation.tree import Tree
from tests.mutation.trying import Outcome, Tried, said, try_change, within

PAGE = """def allowed(dose: int) -> bool:
    return dose <= 40


def rounds(count: int) -> int:
    while count > 0:
        count = count - 1
    return count


def unused() -> int:
    return 7
"""
TESTS = """from careloop.page import allowed, rounds

def test_a_high_dose_is_not_allowed():
    assert not allowed(50)
    assert allowed(30)

def test_rounds_end():
    assert rounds(3) == 0
"""
HIGH = "tests/test_page.py::test_a_high_dose_is_not_allowed"
ROUNDS = "tests/test_page.py::test_rounds_end"


@dataclass
class KnownReach:
    """Which test reaches which function, as coverage would have said."""

    served: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=lambda: {HIGH: 0.01, ROUNDS: 0.01})

    def tests(self, change: Change) -> list[str]:
        return {"allowed": [HIGH], "rounds": [ROUNDS]}.get(change.function, [])


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name, text in {"careloop/__init__.py": "", "careloop/page.py": PAGE, "tests/test_page.py": TESTS}.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    return Tree(tmp_path / "tree")


def change_of(function: str, after: str) -> tuple[Change, str]:
    (change,) = [
        found for found in changes("careloop/page.py", PAGE) if (found.function, found.after) == (function, after)
    ]
    ((_, text),) = changed(PAGE, {change.index})
    return change, text


def tried(tree: Tree, function: str, after: str) -> Tried:
    def asking(question: Question) -> Answer:
        return ask(tree.root, replace(question, deadline=5.0), tree.root.parent / "run", environment={})

    found = try_change(tree, *change_of(function, after), KnownReach(), asking, budget=1.0)
    assert tree.read("careloop/page.py") == PAGE
    return found


def test_a_change_that_a_test_sees_is_noticed_by_that_test(tree: Tree) -> None:
    found = tried(tree, "rounds", ">= 0")
    assert (found.outcome, found.noticed_by) == (Outcome.NOTICED, ROUNDS)


def test_a_change_at_an_edge_that_no_test_stands_on_survives(tree: Tree) -> None:
    found = tried(tree, "allowed", "< 40")
    assert found.outcome is Outcome.SURVIVED
    assert found.diff == "@@ -2 +2 @@\n-    return dose <= 40\n+    return dose < 40"


def test_a_change_that_no_test_reaches_is_told_apart(tree: Tree) -> None:
    assert tried(tree, "unused", "8").outcome is Outcome.NOT_REACHED


def test_a_change_that_never_ends_is_ended(tree: Tree) -> None:
    assert tried(tree, "rounds", "count + 1").outcome is Outcome.TIMED_OUT


def test_a_change_that_breaks_the_import_is_noticed(tree: Tree) -> None:
    tree.write("careloop/page.py", PAGE.replace("def allowed", "def other"))
    answer = ask(tree.root, Question([HIGH], 20.0, 20.0), tree.root.parent / "run", environment={})
    assert said(answer)[0] is Outcome.NOTICED


@pytest.mark.parametrize(("unchanged", "outcome"), [(0, Outcome.NOTICED), (1, Outcome.SURVIVED)])
def test_what_fails_without_the_change_too_is_not_held_for_noticing(
    tree: Tree, unchanged: int, outcome: Outcome
) -> None:
    answers = iter([Answer(1, (HIGH,), 0.1), Answer(unchanged, (), 0.1)])
    served = KnownReach(served={HIGH})
    found = try_change(tree, *change_of("allowed", "41"), served, lambda _: next(answers), budget=1.0)
    assert found.outcome is outcome


def test_the_quickest_tests_are_asked_as_far_as_the_budget_goes() -> None:
    seconds = {"a": 1.0, "b": 2.0, "c": 4.0}
    assert within(["a", "b", "c"], seconds, 3.0) == ["a", "b"]
    assert within(["c"], seconds, 3.0) == ["c"]


def test_results_are_known_again_as_long_as_code_and_tests_stay(tree: Tree, tmp_path: Path) -> None:
    survived, noticed = tried(tree, "allowed", "< 40"), tried(tree, "rounds", ">= 0")
    hardly_asked = replace(tried(tree, "allowed", "41"), left_out=3)
    file = tmp_path / "results.jsonl"
    results = Results(file, "one state", budget=30.0, keep=False)
    for one in (survived, noticed, hardly_asked):
        results.add(one.change, one)
    with file.open("a") as killed:
        killed.write('{"name": "killed while it wro')

    def known(state: str, *, budget: float = 30.0, keep: bool = False) -> list[Tried | None]:
        found = Results(file, state, budget=budget, keep=keep)
        return [found.of(one.change) for one in (survived, noticed, hardly_asked)]

    assert known("one state") == [survived, noticed, hardly_asked]
    assert known("one state", budget=60.0) == [survived, noticed, None]
    assert known("another") == [None, None, None]
    assert known("another", keep=True) == [None, noticed, None]
