"""Which tests reach a change: those that ran its line, also in a process of their own."""

from pathlib import Path

from tests.mutation.changes import changes
from tests.mutation.reach import Reached, look
from tests.mutation.servers import Servers
from tests.mutation.tree import Tree

PAGE = """def allowed(dose: int) -> bool:
    return dose <= 40


def rounded(dose: float) -> float:
    return round(dose, 2)


def unused() -> int:
    return 7
"""
TESTS = """
import subprocess, sys
from careloop.page import allowed, rounded

def test_a_high_dose_is_not_allowed():
    assert not allowed(50)

def test_a_process_rounds():
    subprocess.run([sys.executable, "-c", "from careloop.page import rounded; rounded(1.234)"], check=True)

def test_that_fails_anyway():
    assert allowed(50)
"""
TEST = "tests/monitoring/test_page.py::test_{}"


class NoServers(Servers):
    def named(self) -> dict[str, str]:
        return {}


def test_a_change_is_reached_by_the_tests_that_ran_its_line_and_pass_without_it(tmp_path: Path) -> None:
    files = {"careloop/__init__.py": "", "careloop/page.py": PAGE, "tests/monitoring/test_page.py": TESTS}
    here = Path(__file__).parent / "in_processes/sitecustomize.py"
    files["tests/mutation/in_processes/sitecustomize.py"] = here.read_text()
    for name, text in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    tree = Tree(tmp_path / "tree")
    reached = Reached([look(tree, "monitoring", tmp_path / "reach", NoServers())])

    found = {change.function: reached.tests(change) for change in changes("careloop/page.py", PAGE)}
    assert found == {
        "allowed": [TEST.format("a_high_dose_is_not_allowed")],
        "rounded": [TEST.format("a_process_rounds")],
        "unused": [],
    }
