"""The care view is kept as one section per source: the facts that still stand, from which the view is composed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.prescribing import Alert, NotChecked, Order, Override
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import Kept

DOSES_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where a section keeps one type of event, in what form, and how many of the latest (None for all)."""

    field: str
    form: Callable[[Any], Any] = lambda event: event
    latest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        assessment.PatientEnrolled: Shelf(field="enrolments"),
        assessment.HistoryRecorded: Shelf(field="histories"),
        assessment.MedicationsReconciled: Shelf(field="medications"),
        assessment.AllergiesRecorded: Shelf(field="allergies"),
        assessment.PregnancyRecorded: Shelf(field="pregnancies"),
        assessment.ResultsRecorded: Shelf(field="results"),
        ScaleScored: Shelf(field="scales"),
        assessment.DiagnosisEstablished: Shelf(field="diagnoses"),
        RiskRaised: Shelf(field="risks"),
        assessment.PlanProposed: Shelf(field="plans"),
        assessment.AssessmentCompleted: Shelf(field="completions"),
        assessment.AssessmentAmended: Shelf(field="amendments"),
    }
    enrolments: tuple[Kept[assessment.PatientEnrolled], ...] = ()
    histories: tuple[Kept[assessment.HistoryRecorded], ...] = ()
    medications: tuple[Kept[assessment.MedicationsReconciled], ...] = ()
    allergies: tuple[Kept[assessment.AllergiesRecorded], ...] = ()
    pregnancies: tuple[Kept[assessment.PregnancyRecorded], ...] = ()
    results: tuple[Kept[assessment.ResultsRecorded], ...] = ()
    scales: tuple[Kept[ScaleScored], ...] = ()
    diagnoses: tuple[Kept[assessment.DiagnosisEstablished], ...] = ()
    risks: tuple[Kept[RiskRaised], ...] = ()
    plans: tuple[Kept[assessment.PlanProposed], ...] = ()
    completions: tuple[Kept[assessment.AssessmentCompleted], ...] = ()
    amendments: tuple[Kept[assessment.AssessmentAmended], ...] = ()
    struck: tuple[Kept[EnteredInError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A prescription without the evidence of its capsule, which stays in the journal."""

    fact_id: FactId
    order: Order
    prescriber: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    overrides: tuple[Override, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A change of the daily dose, in milligrams."""

    fact_id: FactId
    prescription: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    overrides: tuple[Override, ...]
    occurred_at: Instant


def _issued(event: prescribing.PrescriptionIssued) -> Issued:
    return Issued(
        fact_id=event.fact_id,
        order=event.order,
        prescriber=event.prescriber,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        overrides=event.capsule.overrides,
        occurred_at=event.occurred_at,
    )


def _declined(event: prescribing.PrescriptionDeclined) -> Declined:
    return Declined(
        fact_id=event.fact_id,
        order=event.order,
        prescriber=event.prescriber,
        reasons=event.reasons,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        occurred_at=event.occurred_at,
    )


def _changed(event: prescribing.DoseChanged) -> Changed:
    return Changed(
        fact_id=event.fact_id,
        prescription=event.prescription,
        from_daily_dose_mg=event.from_daily_dose_mg,
        to_daily_dose_mg=event.to_daily_dose_mg,
        effective_on=event.effective_on,
        reason=event.reason,
        prescriber=event.prescriber,
        alerts=event.capsule.alerts,
        not_checked=event.capsule.not_checked,
        overrides=event.capsule.overrides,
        occurred_at=event.occurred_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribingSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        prescribing.PrescriptionIssued: Shelf(field="issued", form=_issued),
        prescribing.PrescriptionDeclined: Shelf(field="declined", form=_declined),
        prescribing.DoseChanged: Shelf(field="changed", form=_changed),
        prescribing.PrescriptionDiscontinued: Shelf(field="discontinued"),
    }
    issued: tuple[Kept[Issued], ...] = ()
    declined: tuple[Kept[Declined], ...] = ()
    changed: tuple[Kept[Changed], ...] = ()
    discontinued: tuple[Kept[prescribing.PrescriptionDiscontinued], ...] = ()
    struck: tuple[Kept[EnteredInError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        monitoring.SideEffectReported: Shelf(field="reported"),
        monitoring.SideEffectResolved: Shelf(field="resolved"),
        ScaleScored: Shelf(field="scales"),
        RiskRaised: Shelf(field="risks"),
        monitoring.DoseRecorded: Shelf(field="doses", latest=DOSES_KEPT),
    }
    reported: tuple[Kept[monitoring.SideEffectReported], ...] = ()
    resolved: tuple[Kept[monitoring.SideEffectResolved], ...] = ()
    scales: tuple[Kept[ScaleScored], ...] = ()
    risks: tuple[Kept[RiskRaised], ...] = ()
    doses: tuple[Kept[monitoring.DoseRecorded], ...] = ()
    struck: tuple[Kept[EnteredInError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsSection:
    """NoticeSent is left to the journal: the view shows what still needs a person."""

    shelves: ClassVar[Mapping[type, Shelf]] = {
        notifications.NoticeDecided: Shelf(field="decided"),
        notifications.NoticeFailed: Shelf(field="failed"),
        notifications.NoticeAcknowledged: Shelf(field="acknowledged"),
        notifications.NoticeEscalated: Shelf(field="escalated"),
        notifications.NoticeWithdrawn: Shelf(field="withdrawn"),
    }
    decided: tuple[Kept[notifications.NoticeDecided], ...] = ()
    failed: tuple[Kept[notifications.NoticeFailed], ...] = ()
    acknowledged: tuple[Kept[notifications.NoticeAcknowledged], ...] = ()
    escalated: tuple[Kept[notifications.NoticeEscalated], ...] = ()
    withdrawn: tuple[Kept[notifications.NoticeWithdrawn], ...] = ()
    struck: tuple[Kept[EnteredInError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinationSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        coordination.TeamMemberAssigned: Shelf(field="assigned"),
        coordination.TeamMemberReleased: Shelf(field="released"),
        coordination.MessagePosted: Shelf(field="messages"),
    }
    assigned: tuple[Kept[coordination.TeamMemberAssigned], ...] = ()
    released: tuple[Kept[coordination.TeamMemberReleased], ...] = ()
    messages: tuple[Kept[coordination.MessagePosted], ...] = ()
    struck: tuple[Kept[EnteredInError], ...] = ()


Section = AssessmentSection | PrescribingSection | MonitoringSection | NotificationsSection | CoordinationSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """Everything known of one patient, by source."""

    assessment: AssessmentSection = AssessmentSection()
    prescribing: PrescribingSection = PrescribingSection()
    monitoring: MonitoringSection = MonitoringSection()
    notifications: NotificationsSection = NotificationsSection()
    coordination: CoordinationSection = CoordinationSection()


SECTIONS: dict[str, type[Section]] = {
    "assessment": AssessmentSection,
    "prescribing": PrescribingSection,
    "monitoring": MonitoringSection,
    "notifications": NotificationsSection,
    "coordination": CoordinationSection,
}
"""The five sources and the section that each one's facts make."""
