"""What a check found: one line each, with what it means and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

FORM = 1
"""Of the JSON: raised when a field changes its meaning or goes; a new field or check does not raise it."""


class Level(StrEnum):
    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`check` is a stable name, `about` the thing looked at. `fix` is empty when nothing is to be done."""

    group: str
    check: str
    about: str
    level: Level
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """Findings about one thing of one group."""

    group: str
    about: str

    def ok(self, check: str, sentence: str) -> Finding:
        return self._finding(check, Level.OK, sentence, "")

    def unknown(self, check: str, sentence: str, fix: str) -> Finding:
        return self._finding(check, Level.UNKNOWN, sentence, fix)

    def warning(self, check: str, sentence: str, fix: str) -> Finding:
        return self._finding(check, Level.WARNING, sentence, fix)

    def failure(self, check: str, sentence: str, fix: str) -> Finding:
        return self._finding(check, Level.FAILURE, sentence, fix)

    def _finding(self, check: str, level: Level, sentence: str, fix: str) -> Finding:
        return Finding(group=self.group, check=check, about=self.about, level=level, sentence=sentence, fix=fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 all is well, 1 something fails, 3 there are only warnings or things that could not be looked at."""
    levels = {finding.level for finding in findings}
    if Level.FAILURE in levels:
        return 1
    return 3 if levels & {Level.WARNING, Level.UNKNOWN} else 0


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The whole, for machines."""
    counts = {str(level): sum(finding.level is level for finding in findings) for level in Level}
    return {"form": FORM, "counts": counts, "findings": [asdict(finding) for finding in findings]}
