"""What a dose plan is made of, in the words that planner and checker share."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.knowledge.regimen.regimen import Regimen


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A drug taken by a regimen from one day to another, both included; None goes on. `asks` is what the prescriber is
    asked before it begins: measures and questions."""

    drug: str
    from_on: date
    to_on: date | None = None
    regimen: Regimen
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnHand:
    """The strengths of a drug that the client has or can get, in milligrams; `splittable`: each may be halved."""

    name: str
    strengths_mg: tuple[Decimal, ...]
    splittable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was asked before a taper; None is not asked, or not known. `used_since` is the first day of use, and
    `days_a_week` on how many days it is used."""

    withdrawal_seizure: bool | None = None
    seizure_disorder: bool | None = None
    alcohol_or_opioids: bool | None = None
    pregnancy: bool | None = None
    relapse_in_24_months: bool | None = None
    used_since: date | None = None
    days_a_week: int | None = None

    def to(self, question: str) -> bool | None:
        """The answer to a question of the pack."""
        answer: bool | None = getattr(self, question.replace("-", "_"))
        return answer


NOBODY_ASKED = Answers()
