"""The people around one patient, and what they do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from tests.support.processes.running import Person, System, assessment, common, coordination, new_id, prescribing

SERTRALINE = common.Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437")
PHENELZINE = common.Medicine(name="phenelzine", rxcui="8123")


class Care:
    """The people around one new patient, and what they do."""

    def __init__(self, system: System, patient_id: str = "") -> None:
        self.patient_id = patient_id or str(uuid4())
        self.registrar = system.person("registrar", "front-desk")
        self.prescriber = system.person("psychiatrist", f"dr-{self.patient_id[:8]}")
        self.care_manager = system.person("care-manager", f"cm-{self.patient_id[:8]}")
        self.therapist = system.person("therapist", f"th-{self.patient_id[:8]}")
        self.client = system.person("client", f"client-{self.patient_id[:8]}", patient=UUID(self.patient_id))
        self.tokens: dict[str, str] = {}

    def elsewhere(self, system: System) -> "Care":
        """The same people, at other processes."""
        moved = Care(system, self.patient_id)
        moved.tokens = dict(self.tokens)
        return moved

    async def tell(self, person: Person, service: str, request: Any) -> Any:
        """A write about this patient; the last token of each service is kept."""
        request.request_id = request.request_id or new_id()
        request.patient_id = self.patient_id
        answer = await person.surely(service, request)
        self.tokens[service] = answer.receipt.token
        return answer

    async def enrol(self) -> None:
        await self.tell(
            self.registrar,
            "assessment",
            assessment.EnrollPatientRequest(
                name="Robin Example", birth_date="1990-01-01", sex="female", phone="555-0100", time_zone="UTC"
            ),
        )

    async def form_team(self) -> None:
        for person in (self.prescriber, self.care_manager, self.therapist):
            await self.tell(
                self.care_manager,
                "coordination",
                coordination.AssignTeamMemberRequest(
                    person=person.subject,
                    name=person.subject,
                    role=person.role,
                    email=f"{person.subject}@example.org",
                ),
            )

    async def assess(self, medications: Sequence[assessment.CurrentMedication] = ()) -> None:
        requests: list[Any] = [
            assessment.RecordHistoryRequest(nothing_known=True, source="interview"),
            assessment.ReconcileMedicationsRequest(medications=medications, none_taken=not medications),
            assessment.RecordAllergiesRequest(no_known_allergies=True),
            assessment.AnswerScaleRequest(instrument="c-ssrs", items=[0] * 7, source="clinician"),
            assessment.EstablishDiagnosisRequest(
                icd10="F33.1", display="Recurrent depression", severity="moderate", verification="confirmed"
            ),
            assessment.ProposePlanRequest(plan=assessment.Plan(therapies=["CBT"], goals=["sleep through"])),
            assessment.CompleteAssessmentRequest(),
        ]
        for request in requests:
            await self.tell(self.prescriber, "assessment", request)

    async def order(self, medicine: common.Medicine, dose: str, *overrides: prescribing.Override) -> Any:
        order = prescribing.Order(medicine=medicine, daily_dose_mg=dose, sig="once a day", days_supply=30)
        rests_on = [self.tokens[service] for service in ("assessment", "monitoring") if service in self.tokens]
        return await self.tell(
            self.prescriber,
            "prescribing",
            prescribing.IssuePrescriptionRequest(order=order, overrides=overrides, at_least=rests_on),
        )

    async def view(self) -> Any:
        """The care view with everything told so far."""
        request = coordination.GetCareViewRequest(patient_id=self.patient_id, at_least=self.tokens.values())
        return await self.care_manager.surely("coordination", request)
