"""Short ways to say how a medicine is taken, and regimens drawn at random."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from careloop.knowledge.regimen.regimen import AsNeeded, Phase, Regimen, ScheduledDose, Weekday

FIRST = date(2026, 12, 1)
"""A Tuesday."""

TIMES = ("06:30", "morning", "noon", "16:45", "evening", "bedtime")


def dose(amount: str | int, at: str = "morning") -> ScheduledDose:
    return ScheduledDose(at=at, amount_mg=Decimal(amount))


def phase(*doses: ScheduledDose, days: int | None = None, **told: Any) -> Phase:
    return Phase(days=days, doses=doses, **told)


def needed(amount: str | int, most: int, hours_between: int = 0, reason: str = "anxiety") -> AsNeeded:
    return AsNeeded(reason=reason, amount_mg=Decimal(amount), most_in_24_hours=most, hours_between=hours_between)


def regimen(*phases: Phase) -> Regimen:
    return Regimen(phases=phases)


AMOUNTS = st.decimals(min_value=Decimal("0.001"), max_value=Decimal(2000), places=3)
_DOSES = st.lists(st.builds(ScheduledDose, at=st.sampled_from(TIMES), amount_mg=AMOUNTS), max_size=6).map(
    lambda listed: tuple({one.at: one for one in listed}.values())
)
_NEEDED = st.builds(
    AsNeeded,
    reason=st.sampled_from(("anxiety", "sleep")),
    amount_mg=AMOUNTS,
    most_in_24_hours=st.integers(1, 12),
    hours_between=st.integers(0, 24),
)
_PATTERNS = st.one_of(
    st.builds(lambda every: {"every_days": every}, st.none() | st.integers(2, 31)),
    st.builds(lambda days: {"weekdays": tuple(sorted(days))}, st.sets(st.sampled_from(list(Weekday)), min_size=1)),
)
_PHASES = st.builds(
    lambda doses, as_needed, pattern, days: Phase(days=days, doses=doses, as_needed=as_needed, **pattern),
    _DOSES,
    st.none() | _NEEDED,
    _PATTERNS,
    st.integers(1, 90),
)


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    """Up to eight phases of at most 90 days, pauses among them; the last may have no end. Something is taken."""
    phases = draw(st.lists(_PHASES, min_size=1, max_size=8).filter(lambda all_: any(not one.is_pause for one in all_)))
    if draw(st.booleans()):
        last = phases[-1]
        phases[-1] = Phase(every_days=last.every_days, weekdays=last.weekdays, doses=last.doses,
                           as_needed=last.as_needed)  # fmt: skip
    return Regimen(phases=tuple(phases))
