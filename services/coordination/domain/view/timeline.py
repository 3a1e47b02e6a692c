"""All facts that still stand, in one line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import SECTIONS, Section, Sections
from services.coordination.domain.view.sections.prescribing import Changed, Declined, Issued

SHOWN = 200
RESULTS_SHOWN = 5

_NAMES: Mapping[type, str] = {
    shelf.holds: event.__name__ for section in SECTIONS.values() for event, shelf in section.shelves.items()
}


def _step(event: Any) -> str:
    return f"step {event.step}: {event.what}"


_SUMMARIES: Mapping[type, Callable[[Any], str]] = {
    assessment.PatientEnrolled: lambda _: "enrolled",
    assessment.HistoryRecorded: lambda e: _counted(
        (len(e.conditions), "conditions"), (len(e.earlier_treatments), "earlier treatments")
    ),
    assessment.MedicationsReconciled: lambda e: _names(e.medications) or "none taken",
    assessment.AllergiesRecorded: lambda e: (
        ", ".join(allergy.substance.name for allergy in e.allergies) or "no known allergies"
    ),
    assessment.ListGapsRecorded: lambda e: _words(e.list, f"of {e.source}:", e.left_out, "entries could not be read"),
    assessment.PregnancyRecorded: lambda e: str(e.status),
    assessment.ResultsRecorded: lambda e: _results(e.results) or "no results known",
    assessment.GenotypesRecorded: lambda e: (
        ", ".join(_words(one.gene, one.phenotype) for one in e.genotypes) or "no genotypes known"
    ),
    assessment.SmokingRecorded: lambda e: _words("smoking:", e.status, e.stopped_on or ""),
    ScaleScored: lambda e: _words(e.instrument, "" if e.total is None else e.total, e.band),
    assessment.DiagnosisEstablished: lambda e: _words(e.icd10, e.display, f"({e.verification})"),
    RiskRaised: lambda e: _words(e.level, "suicide risk:", e.reason),
    assessment.PlanProposed: lambda e: "; ".join(e.plan.goals),
    assessment.AssessmentCompleted: lambda e: _words("by", e.completed_by),
    assessment.AssessmentAmended: lambda e: e.reason,
    assessment.EpisodeClosed: lambda e: _words(
        e.reason, "on", e.on, f"handed to {e.handed_to.who}" if e.handed_to else ""
    ),
    assessment.DeathConfirmed: lambda e: _words("by", e.confirmed_by),
    assessment.CaringContactDue: lambda e: _words("by", e.due_at.date()),
    Issued: lambda e: _words(e.order.medicine.name, *_dose(e.order.daily_dose_mg)),
    Declined: lambda e: _words(e.order.medicine.name, *_dose(e.order.daily_dose_mg), "-", ", ".join(e.reasons)),
    Changed: lambda e: _words("to", *_dose(e.to_daily_dose_mg)),
    prescribing.DoseTookEffect: lambda e: _words("now", *_dose(e.daily_dose_mg)),
    prescribing.PrescriptionDiscontinued: lambda e: _words(e.status_reason, "last dose", e.stopped_on),
    prescribing.SupplyCounted: lambda e: _words(e.medicine.name, f"{e.units} left on", e.counted_on),
    prescribing.ListCompared: lambda e: _words(len(e.matched), "of our medicines on the list"),
    prescribing.DiscrepancyFound: lambda e: _words(f"{e.medicine.name}:", e.kind),
    prescribing.DiscrepancyOverdue: lambda e: _words(f"{e.medicine.name}:", e.kind, "was not answered in time"),
    prescribing.DiscrepancyResolved: lambda e: _words(e.resolution, e.comment),
    prescribing.ConcernsRaised: lambda e: "; ".join(_words(one.medicine.name, one.alert.rule) for one in e.concerns),
    prescribing.ConcernAnswered: lambda e: _words(e.answer, e.reason, e.by_when, e.comment),
    prescribing.ConcernEnded: lambda e: str(e.because),
    prescribing.DosePlanSigned: lambda e: _words(e.kind, "in", len(e.steps), "steps"),
    prescribing.StepDue: _step,
    prescribing.StepOverdue: _step,
    prescribing.StepConfirmed: _step,
    prescribing.SafetyStepTaken: _step,
    prescribing.StepDeclined: lambda e: _words(_step(e), "-" if e.reasons else "", ", ".join(e.reasons)),
    prescribing.StepHeld: lambda e: _words(_step(e), f"({e.reason})", e.comment),
    prescribing.StepChanged: lambda e: _words(_step(e), f"({e.reason})", e.comment),
    prescribing.DosePlanEnded: lambda e: _words(e.reason, e.comment),
    monitoring.SideEffectReported: lambda e: _words(f"{e.symptom}:", e.triage.level),
    monitoring.SideEffectResolved: lambda e: _words(f"{e.outcome}:", e.action_taken),
    monitoring.RiskContactRecorded: lambda e: _words(e.outcome, e.where, e.next),
    monitoring.RiskEnded: lambda _e: "a clinician screened since",
    monitoring.ResultActionRaised: lambda e: _words(f"{e.drug}:", e.message, e.action),
    monitoring.ResultActionEnded: lambda e: e.because,
    monitoring.DoseRecorded: lambda e: _words(e.medicine.name, e.status, e.reason),
    monitoring.ExtraDoseReported: lambda e: _words("extra dose of", f"{e.medicine.name}:", e.why),
    monitoring.EmergencyDeclared: lambda e: _words(f"{e.kind}:", e.medicine.name) if e.medicine else str(e.kind),
    notifications.NoticeDecided: lambda e: _words(e.subject, f"(suppressed: {e.suppressed})" if e.suppressed else ""),
    notifications.NoticeFailed: lambda e: _words(e.person, "by", f"{e.channel}:", e.reason),
    notifications.NoticeAcknowledged: lambda e: _words("by", e.acknowledged_by),
    notifications.NoticeEscalated: lambda e: _words("to", ", ".join(e.persons)),
    notifications.NoticeHandedOver: lambda e: _words("from", e.left, "to", ", ".join(e.persons)),
    notifications.NoticeWithdrawn: lambda e: e.reason,
    coordination.TeamMemberAssigned: lambda e: _words(e.name, "as", e.role),
    coordination.TeamMemberReleased: lambda e: _words(e.person, "as", e.role),
    coordination.MessagePosted: lambda e: _words(e.sender, "to", e.recipient),
    EnteredInError: lambda e: e.reason,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    occurred_at: Instant
    recorded_at: Instant
    source: str
    kind: str
    summary: str
    fact_id: FactId | None
    actor: str


def timeline(sections: Sections) -> tuple[TimelineEntry, ...]:
    """The latest first; of the same moment, by source and event. At most 200."""
    every = [
        (dated.fact.occurred_at, source, dated.event_id, dated)
        for source in SECTIONS
        for dated in _standing(getattr(sections, source))
    ]
    every.sort(key=lambda found: found[:3], reverse=True)
    return tuple(_entry(dated, source) for _, source, _, dated in every[:SHOWN])


def _standing(section: Section) -> list[DatedFact[Any]]:
    shelves = {shelf.field for shelf in section.shelves.values()}
    return [dated for field in (*sorted(shelves), "struck") for dated in getattr(section, field)]


def _entry(dated: DatedFact[Any], source: str) -> TimelineEntry:
    kind = type(dated.fact)
    return TimelineEntry(
        occurred_at=dated.fact.occurred_at,
        recorded_at=dated.recorded_at,
        source=source,
        kind=_NAMES.get(kind, kind.__name__),
        summary=_SUMMARIES[kind](dated.fact),
        fact_id=getattr(dated.fact, "fact_id", None),
        actor=dated.actor,
    )


def _words(*parts: object) -> str:
    return " ".join(str(part) for part in parts if str(part))


def _dose(daily_dose_mg: object) -> tuple[str, ...]:
    return () if daily_dose_mg is None else (f"{daily_dose_mg}", "mg a day")


def _names(medications: tuple[assessment.CurrentMedication, ...]) -> str:
    return ", ".join(current.medicine.name for current in medications)


def _counted(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{count} {noun}" for count, noun in counts)


def _results(results: tuple[assessment.Result, ...]) -> str:
    """The newest few, and how many there are."""
    shown = sorted(results, key=lambda result: (result.on, result.loinc), reverse=True)[:RESULTS_SHOWN]
    listed = ", ".join(_words(result.display or result.loinc, result.value, result.unit) for result in shown)
    more = len(results) - len(shown)
    return f"{listed} and {more} more" if more else listed
