"""The copied tree: what is in it, what its digest sees, and that nobody else changes it meanwhile."""

import subprocess
from pathlib import Path

import pytest

from tests.mutation.tree import Tree


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    files = {
        "careloop/page.py": "DOSE = 40\n",
        "proto/care/page_pb2.py": "WIRE = 1\n",
        "tests/mutation/record.json": "{}",
        "junk/left.txt": "",
        ".gitignore": "junk/\n*_pb2.py\n",
    }
    for name, text in files.items():
        (tmp_path / "origin" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "origin" / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(tmp_path / "origin")], check=True)
    return tmp_path / "origin"


def test_the_copy_has_what_git_would_add_and_the_wire_types(origin: Path, tmp_path: Path) -> None:
    tree = Tree.copied(origin, tmp_path / "copy")
    assert tree.read("careloop/page.py") == "DOSE = 40\n"
    assert tree.read("proto/care/page_pb2.py") == "WIRE = 1\n"
    assert not (tree.root / "junk").exists()


def test_a_change_in_the_copy_leaves_the_origin_and_the_next_copy_alone(origin: Path, tmp_path: Path) -> None:
    Tree.copied(origin, tmp_path / "copy").write("careloop/page.py", "DOSE = 41\n")
    assert (origin / "careloop/page.py").read_text() == "DOSE = 40\n"
    assert Tree.copied(origin, tmp_path / "copy").read("careloop/page.py") == "DOSE = 40\n"


def test_the_digest_moves_with_code_and_not_with_what_a_run_remembers(origin: Path, tmp_path: Path) -> None:
    tree = Tree.copied(origin, tmp_path / "copy")
    before = tree.digest("careloop", "tests")
    tree.write("tests/mutation/record.json", '{"first": {}}')
    assert tree.digest("careloop", "tests") == before
    tree.write("careloop/page.py", "DOSE = 41\n")
    assert tree.digest("careloop", "tests") != before


def test_a_second_run_in_the_same_copy_is_refused(origin: Path, tmp_path: Path) -> None:
    first = Tree.copied(origin, tmp_path / "copy")
    with pytest.raises(SystemExit, match="in use"):
        Tree.copied(origin, tmp_path / "copy")
    assert first.read("careloop/page.py") == "DOSE = 40\n"
