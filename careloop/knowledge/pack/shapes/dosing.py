"""The shapes of what dose plans go by: steps up, tapers, switches, and what can be made of the strengths there are.

All doses are milligrams a day over the pattern of a regimen; all periods are days.
"""

from decimal import Decimal
from enum import StrEnum

from careloop.knowledge.pack.shapes.entries import Entry, Sourced


class StepTier(Entry, frozen=True, kw_only=True):
    """From this dose on, other steps."""

    from_mg: Decimal
    most_step_mg: Decimal
    least_days: int


class StepRule(Sourced, frozen=True, kw_only=True):
    """How one of these drugs is begun and raised; beside one of `with_drugs` only, where those are named. First fit.

    `start_mg` is the usual first dose and `most_start_mg` the highest; `step_mg` and `every_days` are the usual step,
    `most_step_mg` and `least_days` the largest and the soonest. Without `most_step_mg` nobody knows how to raise it.
    A step up needs a result of one of `measures` first.
    """

    drugs: tuple[str, ...]
    with_drugs: tuple[str, ...] = ()
    start_mg: Decimal
    most_start_mg: Decimal | None = None
    step_mg: Decimal | None = None
    most_step_mg: Decimal | None = None
    every_days: int = 7
    least_days: int = 1
    tiers: tuple[StepTier, ...] = ()
    measures: tuple[str, ...] = ()


class Way(StrEnum):
    """What the size of a step down is measured by: the dose before it, the dose at the start of the taper, a fixed
    amount, a ladder of doses; or the drug is simply stopped, or no taper is offered."""

    OF_BEFORE = "of-before"
    OF_START = "of-start"
    FIXED = "fixed"
    LADDER = "ladder"
    STOP = "stop"
    NOT_OFFERED = "not-offered"


class Rung(Entry, frozen=True, kw_only=True):
    """A dose of a ladder, and for how long it is taken at least."""

    dose_mg: Decimal
    days: int


class LeastStep(Entry, frozen=True, kw_only=True):
    """The smallest step that these are lowered by."""

    drugs: tuple[str, ...]
    mg: Decimal


class InSwitch(Entry, frozen=True, kw_only=True):
    """What is otherwise where one of `drugs` takes over; `stop_percent_of_adequate` lifts the dose it may stop from."""

    drugs: tuple[str, ...]
    every_days: int | None = None
    least_days: int | None = None
    stop_percent_of_adequate: int | None = None


class TaperRule(Sourced, frozen=True, kw_only=True):
    """How one of these drugs is lowered and stopped. One rule means a drug on any day.

    `pace_percent` (of what `way` says; `low_pace_percent` at or below the adequate dose) or `pace_mg`, every
    `every_days`, is what is proposed; `cap_percent` or `cap_mg` is the most. With `window_days` the cap holds over any
    so many days. A step is never shorter than `least_days`, nor the whole taper than `whole_days`. One `least_steps`
    is always allowed. It may stop from `stop_mg`, from `stop_percent` of the start, from `stop_percent_of_adequate`,
    or from its least step, whatever of it is said; from any dose where nothing is.

    A breach of the cap is a question, and no violation, where use began fewer than `softened_below_days` ago, or is on
    at most `softened_days_a_week`. `first_asks` are asked before the taper, `asks` at every step. With one of
    `conditions` the pace is a question.
    """

    drugs: tuple[str, ...]
    drugs_except: tuple[str, ...] = ()
    way: Way
    pace_percent: Decimal | None = None
    low_pace_percent: Decimal | None = None
    pace_mg: Decimal | None = None
    every_days: int = 14
    cap_percent: Decimal | None = None
    cap_mg: Decimal | None = None
    window_days: int | None = None
    whole_days: int | None = None
    least_days: int = 1
    ladder: tuple[Rung, ...] = ()
    least_steps: tuple[LeastStep, ...] = ()
    stop_mg: Decimal | None = None
    stop_percent: int | None = None
    stop_percent_of_adequate: int | None = None
    stop_at_least_step: bool = False
    in_switch: InSwitch | None = None
    softened_below_days: int | None = None
    softened_days_a_week: int | None = None
    first_asks: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    advice: str = ""


class Strategy(StrEnum):
    """The first drug is out before the second begins, or both are taken for a while."""

    TAPER_WAIT = "taper-wait"
    CROSS_TAPER = "cross-taper"


class SwitchRule(Sourced, frozen=True, kw_only=True):
    """How one of `after` gives way to one of `before`. First fit.

    `wait_days` pass between the last dose of the one and the first of the other (both at once where it is 1);
    `wait_from` to `wait_to` is what the sources say, `sources_agree` whether they do. `overlap_days` is the longest
    that both are taken. For `slow_days` after its first dose the new drug rises by steps `slow_interval` times as far
    apart,
    of `slow_percent` of the usual size.
    """

    after: tuple[str, ...]
    after_except: tuple[str, ...] = ()
    before: tuple[str, ...]
    before_except: tuple[str, ...] = ()
    strategy: Strategy
    wait_days: int = 1
    wait_from: int = 1
    wait_to: int = 1
    sources_agree: bool = True
    overlap_days: int = 0
    slow_days: int = 0
    slow_interval: int = 1
    slow_percent: int = 100
    advice: str = ""


class Strength(Entry, frozen=True, kw_only=True):
    """A strength there is, in milligrams; `halves`: it may be split in two."""

    mg: Decimal
    halves: bool = False


class StrengthRule(Sourced, frozen=True, kw_only=True):
    """What a drug's usual form comes in, and at which times of the day it is usually taken. One rule means a drug."""

    drugs: tuple[str, ...]
    form: str
    strengths: tuple[Strength, ...]
    times: tuple[str, ...] = ("morning",)
