"""What a client reads who took a dose too many, and which extra dose asks for a clinician."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.pack.dangers import overdose_danger
from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import Level, ResponseClock

NEVER_TWO = "Never take two doses at once."
TOOK_TOO_MUCH = (
    "Call Poison Help at 1-800-222-1222 now, also if you feel well. Call 911 if anyone has collapsed, has a seizure,"
    " has trouble breathing or cannot be woken. Do not wait for us. If you want to die or hurt yourself, call or text"
    " 988."
)
"""In the words of poisonhelp.org and 988lifeline.org."""
DOUBLE = 2
"""So many daily doses within 24 hours are an emergency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraDoseFinding:
    """Why a clinician looks at an extra dose, and within what time."""

    drug: str
    why: str
    rule: str
    rule_version: int
    within: timedelta


def extra_dose(name: str, rxcui: str, on: date, beside: Iterable[str] = ()) -> ExtraDoseFinding | None:
    """The finding where the medicine is dangerous in overdose, also beside the other medicines named; else None."""
    pack = current_pack()
    at_hand = {drug for other in beside for drug in ingredients(other, None)}
    for drug in ingredients(name or None, rxcui or None):
        danger = overdose_danger(pack, drug, on, at_hand - {drug})
        if danger is not None:
            clock = next(one for one in in_force(pack, ResponseClock, on) if one.triage is Level.SAME_DAY)
            within = timedelta(minutes=clock.minutes)
            return ExtraDoseFinding(
                drug=drug, why=danger.why, rule=danger.id, rule_version=danger.version, within=within
            )
    return None


def is_double(total_mg: Decimal, daily_dose_mg: Decimal) -> bool:
    """Whether the doses of 24 hours come to twice the daily dose."""
    return total_mg >= DOUBLE * daily_dose_mg
