"""The second reading's reasons: what an order is declined for."""

from careloop.contracts.prescribing import Override
from careloop.knowledge.findings import NotChecked, Screening, Severity
from careloop.knowledge.pack.drugs import high_risk
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.overriding import INCOMPLETE
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.overrides import is_answered, rule_of_gap
from services.prescribing.domain.readings.first import CONTRAINDICATED, NOT_CHECKED, NOT_OVERRIDDEN
from services.prescribing.domain.readings.reading import Asking


def reasons(asking: Asking, screening: Screening, answered: tuple[Override, ...]) -> tuple[str, ...]:
    """A contraindication cannot be overridden. An order, unlike a change of dose, waits for a complete assessment
    unless a coded reason says why it cannot. A high alert needs a coded reason of its own. What was not checked needs
    one for a high-risk drug, and for a drug that nobody knows: it may be one. Notes, and what the pack lets pass, need
    none."""
    given = {override.rule for override in answered}
    high = [alert for alert in screening.alerts if alert.severity is Severity.HIGH]
    medicine = asking.order.medicine
    risky = high_risk(medicine.name or None, medicine.rxcui or None)
    declining = {
        CONTRAINDICATED: any(alert.severity is Severity.CONTRAINDICATED for alert in screening.alerts),
        INCOMPLETE: asking.changing is None and bool(missing(asking.chart)) and INCOMPLETE not in given,
        NOT_OVERRIDDEN: any(not is_answered(alert, answered, screening) for alert in high),
        NOT_CHECKED: risky and any(rule_of_gap(gap) not in given for gap in screening.not_checked if blocks(gap)),
    }
    return tuple(reason for reason, holds in declining.items() if holds)


def blocks(gap: NotChecked) -> bool:
    """Whether what was not checked holds up an order of a high-risk drug."""
    return gap.note is not True and gap.reason not in current_pack().title.passes
