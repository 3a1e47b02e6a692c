"""The shapes of what is followed up while a drug is taken: measures, schedules, results, titrations, gaps."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from careloop.knowledge.findings import Severity
from careloop.knowledge.pack.shapes.entries import Entry, Sourced


class Formula(StrEnum):
    """How a filtration rate is computed from creatinine, age and sex; by Cockcroft-Gault from the weight too."""

    CKD_EPI_2021 = "ckd-epi-2021"
    COCKCROFT_GAULT = "cockcroft-gault"


class Converted(Entry, frozen=True, kw_only=True):
    """A unit of this measure alone: a value times `factor`, and then `plus`, is one in the measure's unit."""

    written: tuple[str, ...]
    factor: Decimal
    plus: Decimal = Decimal(0)


class Measure(Entry, frozen=True, kw_only=True):
    """Something measured: the codes of its results (LOINC, or an own word where none is confirmed), and its unit.

    Units of units.yaml that convert to `unit` are understood, and those of `converted`.
    """

    name: str
    codes: tuple[str, ...]
    unit: str | None = None
    converted: tuple[Converted, ...] = ()
    computed_by: Formula | None = None


class Timing(StrEnum):
    """How a schedule counts: fixed days after the start, since the last result, since the last dose change."""

    FIXED_DAYS = "fixed-days"
    SINCE_LAST = "since-last"
    AFTER_CHANGE = "after-change"
    ONCE = "once"
    EACH_CONTACT = "each-contact"


class Phase(Entry, frozen=True, kw_only=True):
    """From this day after the start on, `every` so many days."""

    from_day: int
    every: int


class ScheduleRule(Sourced, frozen=True, kw_only=True):
    """What is measured when. Days are counted from the start of the drug.

    `set` names one of several schedules that compete; a rule without it always holds. `only_if` is a fact about the
    client; `unless` lifts the rule when it is known to be true. A baseline is a result at most `baseline_days` before
    the start; None asks for none. The window opens `early_days` before the due day. `start_counts`: the start is a
    change of dose too.
    """

    drugs: tuple[str, ...]
    drugs_except: tuple[str, ...] = ()
    measure: str
    timing: Timing
    action: str
    set: str = ""
    only_if: str = ""
    unless: str = ""
    baseline_days: int | None = None
    early_days: int = 0
    at_days: tuple[int, ...] = ()
    then_every: int | None = None
    until_day: int | None = None
    phases: tuple[Phase, ...] = ()
    after_days: tuple[int, int] = (0, 0)
    start_counts: bool = True


class ResultRule(Sourced, frozen=True, kw_only=True):
    """What the last result of a measure demands, when it lies within all bounds that are given.

    `rise` and `rise_percent` compare with the baseline. `unless` is a fact that lifts the rule when it is known to be
    true. `before_start`: only while there is no result after the start. `ever`: any result of the course but the last.
    """

    drugs: tuple[str, ...]
    measure: str
    severity: Severity
    message: str
    action: str
    only_if: str = ""
    unless: str = ""
    from_: Decimal | None = msgspec.field(name="from", default=None)
    above: Decimal | None = None
    through: Decimal | None = None
    below: Decimal | None = None
    rise: Decimal | None = None
    rise_percent: Decimal | None = None
    recheck_days: int | None = None
    before_start: bool = False
    ever: bool = False


class TitrationStep(Entry, frozen=True, kw_only=True):
    """From this day after the start on: this dose, on every `every_days`-th day."""

    from_day: int
    dose_mg: Decimal
    every_days: int = 1


class Titration(Sourced, frozen=True, kw_only=True):
    """A fixed way up. The first in the file whose `with_drugs` are taken holds; without any it holds for everyone."""

    drugs: tuple[str, ...]
    with_drugs: tuple[str, ...] = ()
    steps: tuple[TitrationStep, ...]


class GapRule(Sourced, frozen=True, kw_only=True):
    """What is due after `from_days` or more between two doses; with `with_drugs` only while one of them is taken."""

    drugs: tuple[str, ...]
    with_drugs: tuple[str, ...] = ()
    from_days: int
    severity: Severity
    action: str
    restarts_monitoring: bool = False

    @property
    def restarts_titration(self) -> bool:
        """Whether the drug is titrated from the start after it whatever else is taken."""
        return not self.with_drugs and not self.restarts_monitoring


FACTS = frozenset({
    "over-65-or-diuretic", "age-18-to-25", "at-risk-ancestry", "benign-ethnic-neutropenia", "cardiac-risk",
    "childbearing", "high-movement-risk", "prolactin-symptoms",
})  # fmt: skip
"""What `only_if` and `unless` may name."""
