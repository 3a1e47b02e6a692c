"""A copy of the tree in which changes are tried; the work tree is never written to."""

import compileall
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import IO

WIRE_TYPES = "*_pb2*.py"


class Tree:
    """The copied tree. A run that is killed leaves at most a changed copy, and the next one starts from a new copy."""

    def __init__(self, root: Path, lock: IO[str] | None = None) -> None:
        self.root = root
        self._lock = lock

    @classmethod
    def copied(cls, origin: Path, target: Path) -> "Tree":
        """All files that git knows or would add, and wire types; compiled so that a change is seen by its content."""
        lock = _locked(target)
        shutil.rmtree(target, ignore_errors=True)
        for name in known_files(origin):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin / name, target / name)
        for folder in ("careloop", "services", "proto"):
            compileall.compile_dir(target / folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        return cls(target, lock)

    def read(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        (self.root / file).write_text(text, encoding="utf-8")

    def digest(self, *patterns: str) -> str:
        """Of all files that match or lie below what matches, but for this tool's own."""
        found: set[Path] = set()
        for pattern in patterns:
            for path in self.root.glob(pattern):
                found.update(path.rglob("*") if path.is_dir() else (path,))
        return _digest(self.root, (path for path in found if path.is_file() and self._counts(path)))

    def _counts(self, path: Path) -> bool:
        return path.suffix not in {".pyc", ".md"} and not path.is_relative_to(self.root / "tests/mutation")


def _locked(target: Path) -> IO[str]:
    """Ours for as long as this process runs; a second run would find the first one's changes in its copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"{target} is in use: another run tries changes there; wait for its end.") from None
    return lock


def known_files(origin: Path) -> list[str]:
    git = ("git", "-C", str(origin), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(git, capture_output=True, check=True, text=True).stdout
    wire = (path.relative_to(origin).as_posix() for path in (origin / "proto").rglob(WIRE_TYPES))
    return [name for name in {*listed.split("\0"), *wire} if name and (origin / name).is_file()]


def _digest(root: Path, files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.relative_to(root)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]
