"""How a measured process talks to the harness: told once, says when it is ready, starts on a word, answers once.

Standard library only: programs of other environments import it.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

Spec = dict[str, Any]


def told() -> Spec:
    """What this process is to do. Whatever else it or its libraries print goes to stderr from now on."""
    spec: Spec = json.loads(sys.stdin.readline())
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return spec


def ready(**facts: Any) -> None:
    """Everything is prepared: return when the measurement may begin."""
    _say({"ready": True, **facts})
    if not sys.stdin.readline():
        raise SystemExit(1)


def answer(**figures: Any) -> None:
    _say({**figures, "memory_mb": memory_mb(), "peak_memory_mb": peak_memory_mb()})


def hold() -> None:
    """Go on with what runs beside until the harness ends this process."""
    sys.stdin.readline()


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def memory_mb(pid: int | str = "self") -> float:
    """Resident memory now, in MiB, shared pages counted in proportion where the system tells."""
    try:
        told_by = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        field = "Pss:"
    except OSError:
        told_by = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        field = "VmRSS:"
    kilobytes = next(line.split()[1] for line in told_by.splitlines() if line.startswith(field))
    return round(int(kilobytes) / 1024, 1)


def peak_memory_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
