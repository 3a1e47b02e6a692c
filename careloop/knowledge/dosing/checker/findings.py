"""What the checker finds, and what it answers."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from careloop.knowledge.findings import PackReference
from careloop.knowledge.pack.shapes.entries import Sourced


class Constraint(StrEnum):
    """What is asked of every day of a schedule."""

    DAILY_LIMIT = "K1"
    STEP_UP = "K2"
    FIXED_TITRATION = "K3"
    STEP_DOWN = "K4"
    INTERVAL = "K5"
    SAFETY_CHECK = "K6"
    OVERLAP = "K7"
    STRENGTHS = "K8"
    WITHOUT_EITHER = "K9"
    RESULT = "K10"


class Weight(StrEnum):
    """A violation makes the plan illegal; what is to answer is answered when it is signed; a note asks for nothing."""

    VIOLATION = "violation"
    TO_ANSWER = "to-answer"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFinding:
    """What was found on a day, and what is allowed, in `unit` (`mg`, `days`, `percent`, `of-limits`); None where there
    is no figure. Of the safety check `involves` are the drugs of its alert."""

    constraint: Constraint
    rule: str
    version: int
    drug: str
    day: date
    message: str
    found: Decimal | None = None
    allowed: Decimal | None = None
    unit: str = ""
    involves: tuple[str, ...] = ()
    source: str = ""
    basis: str = ""
    reviewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGap:
    """A constraint that could not be judged, and why."""

    constraint: Constraint
    reason: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCheck:
    """The answer. `legal` is False with any violation, else None where something was not checked, else True, whatever
    is to be answered."""

    knowledge: PackReference
    legal: bool | None
    violations: tuple[PlanFinding, ...]
    to_answer: tuple[PlanFinding, ...]
    notes: tuple[PlanFinding, ...]
    not_checked: tuple[PlanGap, ...]


Found = tuple[Weight, PlanFinding] | PlanGap


def finding(
    constraint: Constraint, rule: Sourced | None, drug: str, day: date, message: str, **told: object
) -> PlanFinding:
    """With the rule's id, source and marks."""
    cited = {} if rule is None else {"source": rule.source, "basis": str(rule.basis), "reviewed": rule.reviewed}
    return PlanFinding(
        constraint=constraint,
        rule=rule.id if rule else "",
        version=rule.version if rule else 0,
        drug=drug,
        day=day,
        message=message,
        **cited,  # type: ignore[arg-type]
        **told,  # type: ignore[arg-type]
    )
