"""FHIR Condition, read for the history."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from careloop.intake.code_systems import system_of
from careloop.intake.dates import day, earliest_moment
from careloop.intake.negations import Says, says
from careloop.intake.shapes.elements import Concept
from careloop.intake.shapes.records import Condition
from careloop.intake.tally import NotUnderstood, NotUsed

CHECKED = ("icd-10-cm", "snomed")
"""The systems that the safety check reads, in the order in which a code is chosen when a condition has several."""
TEXT = "text"
"""The system of a condition that is known by its words alone: they are its code, too."""
LONGEST_CODE = 60
LONGEST_WORDS = 500
CLINICAL_STATUSES = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
NOT_HELD = frozenset({"entered-in-error", "refuted"})
_WITHOUT_DOT = re.compile(r"[A-Z]\d[0-9A-Z][0-9A-Z]{1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A condition by one of its codes. `none_known` says that there are none."""

    system: str
    code: str
    display: str
    clinical_status: str
    onset: date | None
    recorded_at: datetime | None
    none_known: bool = False


def known(condition: Condition) -> Known:
    """Raises NotUsed for a condition that was ruled out or struck, NotUnderstood for one that says nothing."""
    require_held(condition.verification_status)
    none_known = says(condition.code) is Says.NONE
    system, code, display = _named(condition.code)
    period = condition.onset_period
    onset = condition.onset_date_time or (period.start if period else "")
    status = next((one for one in statuses(condition.clinical_status) if one in CLINICAL_STATUSES), "unknown")
    return Known(
        system=system,
        code=code,
        display=display,
        clinical_status=status,
        onset=day(onset),
        recorded_at=earliest_moment(condition.recorded_date) or earliest_moment(onset),
        none_known=none_known,
    )


def require_held(verification: Concept | None) -> None:
    """Raises NotUsed for what its source has ruled out or struck."""
    for status in statuses(verification):
        if status in NOT_HELD:
            raise NotUsed(f"status-{status}")


def statuses(concept: Concept | None) -> tuple[str, ...]:
    """All codes of a status, and its words as a code: a source may put codes of its own before FHIR's."""
    if concept is None:
        return ()
    return (*(coding.code for coding in concept.coding), concept.text.strip().lower().replace(" ", "-"))


def _named(concept: Concept) -> tuple[str, str, str]:
    """System, code and words. A code that the check cannot read keeps its words, by which it may."""
    for system in CHECKED:
        coding = concept.code_in(system)
        if coding is not None:
            code = f"{coding.code[:3]}.{coding.code[3:]}" if _needs_dot(system, coding.code) else coding.code
            return system, code[:LONGEST_CODE], (coding.display or concept.words)[:LONGEST_WORDS]
    words = concept.any_words
    if not words:
        raise NotUnderstood("code-missing")
    other = next((coding for coding in concept.coding if coding.code and coding.system), None)
    if other is None:
        return TEXT, words[:LONGEST_CODE].strip(), words[:LONGEST_WORDS]
    return system_of(other.system)[:LONGEST_CODE], other.code[:LONGEST_CODE], words[:LONGEST_WORDS]


def _needs_dot(system: str, code: str) -> bool:
    return system == "icd-10-cm" and _WITHOUT_DOT.fullmatch(code) is not None
