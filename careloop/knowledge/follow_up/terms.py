"""What follow-up is asked about, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from careloop.knowledge.findings import PackReference, Severity
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from careloop.knowledge.pack.shapes.entries import Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Days without a dose: the last dose before it, and the day of the next one; None while it lasts."""

    last_dose_on: date
    resumed_on: date | None = None

    def days(self, as_of: date) -> int:
        return ((self.resumed_on or as_of) - self.last_dose_on).days


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugCourse:
    """One drug from its first dose on; `stopped_on` is the day of the last, None while it is taken."""

    name: str | None = None
    rxcui: str | None = None
    started_on: date
    stopped_on: date | None = None
    dose_changes: tuple[date, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who takes them. `facts` holds what is known, by the words of `follow_up_schema.FACTS`; the rest is unknown."""

    birth_date: date | None = None
    facts: Mapping[str, bool] = field(default_factory=dict)


class Status(StrEnum):
    """PLANNED: its window is not open yet. DUE: it is. OVERDUE: the last day in time has passed."""

    OVERDUE = "overdue"
    DUE = "due"
    EACH_CONTACT = "each-contact"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRule:
    """What every finding says of the rule behind it, and which drug it is about."""

    rule: str
    version: int
    drug: str
    action: str
    source: str
    basis: Basis
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMeasure:
    """A measurement with the window for it; `only_if` names a fact not known: it is due if that is true."""

    applied: AppliedRule
    measure: str
    status: Status
    opens_on: date | None = None
    due_on: date | None = None
    last_on: date | None = None
    only_if: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFinding:
    """What the last results of a measure demand, which those are, and by when the next one is due for it."""

    applied: AppliedRule
    measure: str
    severity: Severity
    message: str
    recheck_by: date | None
    results: tuple[MeasuredResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFinding:
    """What the latest gap asks for."""

    applied: AppliedRule
    severity: Severity
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """The whole answer, most urgent first. `not_checked` holds reason and subject of what could not be looked at."""

    knowledge: PackReference
    due: tuple[DueMeasure, ...]
    results: tuple[ResultFinding, ...]
    gaps: tuple[GapFinding, ...]
    not_checked: tuple[tuple[str, str], ...]
