"""What an order is declined for, and the capsule of evidence that every decision on an order is stored with."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.prescribing import Order, Override
from careloop.kernel.commands import FactCommand
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Later, Licence
from careloop.kernel.restating import fact
from careloop.knowledge.findings import NotChecked, Screening, Severity
from careloop.knowledge.pack.drugs import high_risk
from careloop.knowledge.pack.pack import current_pack
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.events import PrescriptionDeclined
from services.prescribing.domain.overrides import answers, is_answered, rule_of_gap
from services.prescribing.domain.screening import UNINFORMED, Freshness, safety_check
from services.prescribing.domain.state import PrescriptionChart

CONTRAINDICATED = "contraindicated"
NOT_OVERRIDDEN = "high-alert-not-overridden"
NOT_CHECKED = "high-risk-not-checked"


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
    today = command.now.date()
    screening = safety_check(chart, order, command.freshness, today, changing=changing)
    answered = answers(command.overrides, screening)
    capsule = DecisionCapsule(
        screening=screening,
        overrides=answered,
        evidence=chart.evidence(),
        stream_version=chart.version,
        source_positions=command.freshness.positions,
        as_of=today,
        changing=UNSET if changing is None else changing,
    )
    reasons = reasons_to_decline(order, screening, answered)
    if not reasons:
        return capsule
    return declined(command, order=order, reasons=reasons, capsule=capsule)


def reasons_to_decline(order: Order, screening: Screening, answered: tuple[Override, ...]) -> tuple[str, ...]:
    """Why the order may not become a prescription, worst first; empty if it may.

    A contraindication cannot be overridden. A high alert needs a coded reason of its own. What was not checked needs
    one for a high-risk drug, and for a drug that nobody knows: it may be one. Notes, and what the pack lets pass, need
    none.
    """
    worst = {alert.severity for alert in screening.alerts}
    reasons = [CONTRAINDICATED] if Severity.CONTRAINDICATED in worst else []
    high = [alert for alert in screening.alerts if alert.severity is Severity.HIGH]
    if any(not is_answered(alert, answered, screening) for alert in high):
        reasons.append(NOT_OVERRIDDEN)
    given = {override.rule for override in answered}
    if _risky(order) and any(rule_of_gap(missing) not in given for missing in screening.not_checked if blocks(missing)):
        reasons.append(NOT_CHECKED)
    return tuple(reasons)


def blocks(missing: NotChecked) -> bool:
    """Whether what was not checked holds up an order of a high-risk drug."""
    return missing.note is not True and missing.reason not in current_pack().title.passes


def _risky(order: Order) -> bool:
    return high_risk(order.medicine.name or None, order.medicine.rxcui or None)
