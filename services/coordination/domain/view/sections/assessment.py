"""What stands of the facts that assessment published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from careloop.contracts import assessment
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Shelf, shelved


@shelved
@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentSection:
    shelves: ClassVar[Mapping[type, Shelf]]
    enrolments: tuple[DatedFact[assessment.PatientEnrolled], ...] = ()
    histories: tuple[DatedFact[assessment.HistoryRecorded], ...] = ()
    medications: tuple[DatedFact[assessment.MedicationsReconciled], ...] = ()
    allergies: tuple[DatedFact[assessment.AllergiesRecorded], ...] = ()
    list_gaps: tuple[DatedFact[assessment.ListGapsRecorded], ...] = ()
    pregnancies: tuple[DatedFact[assessment.PregnancyRecorded], ...] = ()
    results: tuple[DatedFact[assessment.ResultsRecorded], ...] = ()
    genotypes: tuple[DatedFact[assessment.GenotypesRecorded], ...] = ()
    smoking: tuple[DatedFact[assessment.SmokingRecorded], ...] = ()
    scales: tuple[DatedFact[ScaleScored], ...] = ()
    diagnoses: tuple[DatedFact[assessment.DiagnosisEstablished], ...] = ()
    risks: tuple[DatedFact[RiskRaised], ...] = ()
    plans: tuple[DatedFact[assessment.PlanProposed], ...] = ()
    completions: tuple[DatedFact[assessment.AssessmentCompleted], ...] = ()
    amendments: tuple[DatedFact[assessment.AssessmentAmended], ...] = ()
    closings: tuple[DatedFact[assessment.EpisodeClosed], ...] = ()
    deaths_confirmed: tuple[DatedFact[assessment.DeathConfirmed], ...] = ()
    caring_contacts: tuple[DatedFact[assessment.CaringContactDue], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
