"""Ending a prescription."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.prescribing import (
    Alert,
    Override,
    PlanEnding,
    PrescriptionDiscontinued,
    StatusReason,
    is_overridden,
)
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Else, Licence, Named, today
from careloop.kernel.restating import fact
from careloop.knowledge.findings import Severity
from careloop.knowledge.pack.shapes.guidance import StopLevel
from careloop.knowledge.screening.overriding import ABRUPT_STOP, unfit
from careloop.knowledge.supply.stopping import DoseFrom, abrupt_stop
from services.prescribing.domain.events import Event, PrescriptionIssued
from services.prescribing.domain.plan_endings import ending_of
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscontinuePrescription(FactCommand):
    prescription: Annotated[FactId, Named("prescription_id")]
    status_reason: StatusReason
    stopped_on: Annotated[date, Else(today)]
    overrides: tuple[Override, ...] = ()
    prescriber: Actor
    credential: Licence


discontinued = fact(PrescriptionDiscontinued, DiscontinuePrescription, "alerts", "overrides")


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def discontinue(command: DiscontinuePrescription, chart: PrescriptionChart) -> list[Event]:
    """The end of a prescription, and of a dose plan that it is part of. Ending one that has ended changes nothing.

    Raises NotKnown for a prescription that is not there, RuleViolated for a last dose in the future, or before the
    first; one that has not begun ends on a day since it was issued. A stop from one day to the next that is dangerous
    needs a coded answer: RuleViolated `abrupt-stop-not-answered` without one that counts, with the rule, the level,
    the drug and, where an answer did not count, why.
    """
    issued = chart.prescription(command.prescription)
    if issued is None:
        raise NotKnown("prescription-not-known", "There is no such prescription.", field="prescription_id")
    if chart.discontinuation(command.prescription):
        return []
    today = chart.today(command.now)
    if command.stopped_on > today:
        raise RuleViolated("stopped-in-the-future", "stopped_on may not lie in the future.", field="stopped_on")
    if command.stopped_on < first_day(issued, today):
        sentence = "stopped_on may not lie before the prescription began."
        raise RuleViolated("stopped-before-started", sentence, field="stopped_on")
    alert = abrupt_stop_alert(issued, chart, command.stopped_on)
    ends = ending_of(command.prescription, chart, command, PlanEnding.PRESCRIPTION_ENDED)
    if alert is None:
        return [discontinued(command, alerts=UNSET, overrides=UNSET), *ends]
    answers = _answers(command, alert)
    return [discontinued(command, alerts=(alert,), overrides=answers or UNSET), *ends]


def _answers(command: DiscontinuePrescription, alert: Alert) -> tuple[Override, ...]:
    """Those that count. A stop that is unpleasant may go without one."""
    about = [one for one in command.overrides if is_overridden(alert, (one,))]
    faults = [(one, unfit(ABRUPT_STOP, one.reason, one.comment, command.stopped_on)) for one in about]
    counting = tuple(one for one, fault in faults if fault is None)
    if alert.severity == Severity.HIGH and not counting:
        why = {"why": str(faults[0][1])} if faults else {}
        details = {"rule": alert.rule, "severity": alert.severity, "drug": alert.involves[0], **why}
        sentence = "Stopping this from one day to the next is dangerous: taper it, or answer the alert with a reason."
        raise RuleViolated("abrupt-stop-not-answered", sentence, field="overrides", details=details)
    return counting


def abrupt_stop_alert(issued: PrescriptionIssued, chart: PrescriptionChart, last_dose_on: date) -> Alert | None:
    """What speaks against stopping the prescription with this last dose."""
    changes = sorted(chart.standing_changes(issued.fact_id), key=lambda change: change.effective_on)
    doses = [DoseFrom(on=issued.order.starts_on, daily_dose_mg=issued.order.daily_dose_mg)]
    doses += [DoseFrom(on=change.effective_on, daily_dose_mg=change.to_daily_dose_mg) for change in changes]
    found = abrupt_stop(issued.ingredients, doses, last_dose_on)
    if found is None:
        return None
    drug, rule = found
    return Alert(
        rule=rule.id,
        version=rule.version,
        kind=ABRUPT_STOP,
        severity=Severity.HIGH if rule.level is StopLevel.DANGEROUS else Severity.MODERATE,
        involves=(drug,),
        message=rule.why,
        action=rule.first,
        source=f"{rule.source} [{rule.basis}]",
        reviewed=rule.reviewed,
    )


def first_day(issued: PrescriptionIssued, today: date) -> date:
    """The first day on which the prescription can have ended: that of its first dose, or, while that is to come, the
    day on which it was issued."""
    starts_on = issued.order.starts_on
    return starts_on if starts_on <= today else min(starts_on, issued.occurred_at.date())
