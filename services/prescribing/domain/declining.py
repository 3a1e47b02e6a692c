"""What an order is declined for, and the capsule of evidence that every decision on an order is stored with."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.prescribing import Order, Override
from careloop.kernel.commands import FactCommand
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Later, Licence
from careloop.kernel.restating import fact
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.events import PrescriptionDeclined
from services.prescribing.domain.overrides import weigh
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.screening import UNINFORMED, Freshness, safety_check
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCommand(FactCommand):
    """What every command brings that the safety check may decline; `freshness` is how well the service was informed."""

    overrides: tuple[Override, ...]
    prescriber: Actor
    credential: Licence
    freshness: Annotated[Freshness, Later()] = UNINFORMED


declined = fact(PrescriptionDeclined, CheckedCommand, "order", "reasons", "capsule")


def check_order(
    command: CheckedCommand, order: Order, chart: PrescriptionChart, *, changing: FactId | None = None
) -> DecisionCapsule | PrescriptionDeclined:
    """The capsule of a decision that may be taken, or the order declined with the reasons why it may not.

    `changing` is the prescription whose dose the order changes.
    """
    asking = Asking(chart=chart, order=order, as_of=chart.today(command.now), changing=changing)
    screening = safety_check(asking, command.freshness)
    lacking = () if changing is not None else missing(chart)
    answers = weigh(command.overrides, screening, incomplete=bool(lacking), on=asking.as_of)
    capsule = DecisionCapsule(
        screening=screening,
        overrides=answers.counting,
        evidence=chart.evidence(),
        stream_version=chart.version,
        source_positions=command.freshness.positions,
        as_of=asking.as_of,
        changing=UNSET if changing is None else changing,
        reading=LATEST.number,
        missing=lacking or UNSET,
        refused_overrides=answers.refused or UNSET,
    )
    reasons = LATEST.reasons(asking, screening, answers.counting)
    if not reasons:
        return capsule
    return declined(command, order=order, reasons=reasons, capsule=capsule)
