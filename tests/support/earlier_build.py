"""The build before this one, out of the history, to run beside it: its code, and wire types of its own contracts."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PREVIOUS = "bf4ed70e2100b57bed8c5bbf3ae794f79a012028"
"""The build from which an upgrade is tried, and to which one may go back."""


@dataclass(frozen=True)
class EarlierBuild:
    """`folder` has its code; it runs with the packages that are installed."""

    folder: Path

    def command(self, *module: str) -> Sequence[str]:
        """How a module of it is started."""
        path = f"PYTHONPATH={self.folder}{os.pathsep}{self.folder / 'proto'}"
        return ["env", f"--chdir={self.folder}", path, sys.executable, "-m", *module]


@contextmanager
def earlier_build() -> Iterator[EarlierBuild]:
    with TemporaryDirectory(prefix="careloop-before-") as name:
        folder = Path(name)
        unpacked(folder, "careloop", "services", "proto")
        contracts = [str(file.relative_to(folder)) for file in folder.glob("proto/**/*.proto")]
        made = ["--python_out=proto", "--grpc_python_out=proto", "-I", "proto", *contracts]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *made], cwd=folder, check=True)
        yield EarlierBuild(folder)


def unpacked(folder: Path, *paths: str) -> None:
    """These paths as they were, below the folder."""
    archive = ["git", "archive", "--format=tar", PREVIOUS, *paths]
    with subprocess.Popen(archive, cwd=ROOT, stdout=subprocess.PIPE) as made:
        subprocess.run(["tar", "-x", "-C", str(folder)], stdin=made.stdout, check=True)
