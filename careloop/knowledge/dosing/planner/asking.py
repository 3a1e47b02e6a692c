"""What the planner is asked, and what it answers."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from careloop.knowledge.chart import Chart, Medication
from careloop.knowledge.dosing.plan import NOBODY_ASKED, Answers, OnHand, Segment
from careloop.knowledge.findings import PackReference
from careloop.knowledge.pack.shapes.entries import Sourced


class PlanKind(StrEnum):
    TITRATION = "titration"
    TAPER = "taper"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The drug that is lowered, with its dose today; None: as the chart has it."""

    name: str
    daily_dose_mg: Decimal | None = None

    @property
    def running(self) -> tuple[Medication, ...]:
        """What is stated to be taken, as a medication: the chart need not have it."""
        if not self.daily_dose_mg:
            return ()
        return (Medication(name=self.name, daily_dose_mg=self.daily_dose_mg),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The drug that is raised, to this many mg a day; None: to its usual adequate dose."""

    name: str
    target_daily_mg: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A plan that is asked for. Percentages are of the dose before it, or of the start, as the taper's rule says.

    `client_sets_pace`: the steps down are proposed, and the client says when.
    """

    kind: PlanKind
    chart: Chart
    as_of: date
    starts_on: date
    leaving: Leaving | None = None
    coming: Coming | None = None
    pace_percent: Decimal | None = None
    every_days: int | None = None
    on_hand: tuple[OnHand, ...] = ()
    answers: Answers = field(default=NOBODY_ASKED)
    client_sets_pace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Beside one step: what is done, why, and the rule that says so with how well its source was seen."""

    drug: str
    from_on: date
    what: str
    why: str
    rule: str
    version: int
    source: str
    basis: str
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """The constraint that forbids the plan, with what was found and what it allows, in `unit`."""

    constraint: str
    rule: str
    drug: str
    message: str
    found: Decimal | None = None
    allowed: Decimal | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKnown:
    """Why no plan is proposed: `taper-unknown`, `taper-not-offered`, `step-unknown`, `switch-unknown`,
    `strength-unknown`, `unknown-drug`, `dose-missing`."""

    reason: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A proposal. Without segments either `impossible` or `not_known` says why. `earliest_on` is the first day of the
    new drug, of the first step up, or of the first step down."""

    knowledge: PackReference
    segments: tuple[Segment, ...] = ()
    earliest_on: date | None = None
    explanation: tuple[Line, ...] = ()
    impossible: tuple[Forbidden, ...] = ()
    not_known: tuple[NotKnown, ...] = ()


class NoPlan(Exception):
    """No plan can be proposed, and why."""

    def __init__(self, why: Forbidden | NotKnown) -> None:
        super().__init__(why.message)
        self.why = why


def line(drug: str, day: date, what: str, why: str, rule: Sourced) -> Line:
    """A step with its rule."""
    return Line(
        drug=drug,
        from_on=day,
        what=what,
        why=why,
        rule=rule.id,
        version=rule.version,
        source=rule.source,
        basis=str(rule.basis),
        reviewed=rule.reviewed,
    )
