"""Assessment over gRPC: what is asked is read and answered as the commands and events say."""

from dataclasses import replace
from typing import Any

import grpc.aio
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1 import assessment_pb2_grpc

from careloop.chassis.calls import reading
from careloop.chassis.calls.call import current_call
from careloop.chassis.calls.writing import WritesApi, write
from careloop.chassis.commands.writes import Writes
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.ids import PatientId
from services.assessment.application import Episodes
from services.assessment.domain.allergies import AddAllergy, RecordAllergies
from services.assessment.domain.completion import AmendAssessment, CompleteAssessment
from services.assessment.domain.deaths import ConfirmDeath
from services.assessment.domain.diagnoses import EstablishDiagnosis
from services.assessment.domain.enrolment import EnrollPatient
from services.assessment.domain.episodes import CloseEpisode
from services.assessment.domain.genotypes import RecordGenotypes
from services.assessment.domain.history import RecordHistory
from services.assessment.domain.list_gaps import RecordListGaps
from services.assessment.domain.medications import AddMedication, ReconcileMedications
from services.assessment.domain.plans import AddToPlan, ProposePlan
from services.assessment.domain.pregnancy import RecordPregnancy
from services.assessment.domain.results import RecordResults
from services.assessment.domain.scales import AnswerScale, RecordScaleTotal
from services.assessment.domain.smoking import RecordSmoking
from services.assessment.grpc_api import answers


async def whom(api: "AssessmentApi", _patient_id: PatientId, _message: Any, command: EnrollPatient) -> EnrollPatient:
    return replace(command, minors=api.minors)


async def informed(api: "AssessmentApi", patient_id: PatientId, message: Any, command: CloseEpisode) -> CloseEpisode:
    return await api.episodes.informed(patient_id, command, message.at_least)


class AssessmentApi(WritesApi, assessment_pb2_grpc.AssessmentServiceServicer):
    """The RPCs of `care.assessment.v1`. `minors`: the programme enrols clients under 18."""

    def __init__(self, writes: Writes[Any, Any], partitions: int, *, episodes: Episodes, minors: bool = False) -> None:
        super().__init__(writes, partitions)
        self.episodes = episodes
        self.minors = minors

    EnrollPatient = write(EnrollPatient, pb, prepare=whom)
    RecordHistory = write(RecordHistory, pb)
    ReconcileMedications = write(ReconcileMedications, pb)
    AddMedication = write(AddMedication, pb)
    RecordAllergies = write(RecordAllergies, pb)
    AddAllergy = write(AddAllergy, pb)
    RecordListGaps = write(RecordListGaps, pb)
    RecordPregnancy = write(RecordPregnancy, pb)
    RecordResults = write(RecordResults, pb)
    RecordGenotypes = write(RecordGenotypes, pb)
    RecordSmoking = write(RecordSmoking, pb)
    AnswerScale = write(AnswerScale, pb, answers.scored)
    RecordScaleTotal = write(RecordScaleTotal, pb, answers.taken_over)
    EstablishDiagnosis = write(EstablishDiagnosis, pb)
    ProposePlan = write(ProposePlan, pb)
    AddToPlan = write(AddToPlan, pb)
    CompleteAssessment = write(CompleteAssessment, pb, answers.completed)
    AmendAssessment = write(AmendAssessment, pb, answers.completed)
    CloseEpisode = write(CloseEpisode, pb, answers.ended, prepare=informed)
    ConfirmDeath = write(ConfirmDeath, pb)
    MarkEnteredInError = write(MarkEnteredInError, pb, answers.struck)

    async def GetAssessment(self, request: pb.GetAssessmentRequest, _context: Any) -> pb.GetAssessmentResponse:  # noqa: N802
        state = await self.writes.state(reading.patient_id(request.patient_id))
        return answers.assessment(state, current_call().now)

    def add_to(self, server: grpc.aio.Server) -> None:
        assessment_pb2_grpc.add_AssessmentServiceServicer_to_server(self, server)
