"""The words that start this console in a reader's shell, for lines that are printed to be pasted."""

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """`careloop` where the shell finds this installation under that name, else the path of its script."""
    script = Path(sys.executable).with_name("careloop")
    found = shutil.which("careloop")
    return "careloop" if found is not None and Path(found) == script else shlex.quote(str(script))


def line(*words: object) -> str:
    """One command line of the console, quoted for a shell."""
    return " ".join([program(), *(shlex.quote(str(word)) for word in words)])
