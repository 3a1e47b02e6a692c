"""Which stored facts assessment publishes: all of them, in the same fields."""

from careloop.contracts import assessment, terms
from services.assessment.domain import events

RESTATED: dict[type, type] = {
    events.PatientEnrolled: assessment.PatientEnrolled,
    events.HistoryRecorded: assessment.HistoryRecorded,
    events.MedicationsReconciled: assessment.MedicationsReconciled,
    events.AllergiesRecorded: assessment.AllergiesRecorded,
    events.PregnancyRecorded: assessment.PregnancyRecorded,
    events.ResultsRecorded: assessment.ResultsRecorded,
    events.ScaleScored: terms.ScaleScored,
    events.RiskRaised: terms.RiskRaised,
    events.DiagnosisEstablished: assessment.DiagnosisEstablished,
    events.PlanProposed: assessment.PlanProposed,
    events.AssessmentCompleted: assessment.AssessmentCompleted,
    events.AssessmentAmended: assessment.AssessmentAmended,
    events.EnteredInError: terms.EnteredInError,
}
"""A stored class to the published one of the same fields."""
