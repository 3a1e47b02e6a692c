"""Bad input at every edge of the running system: refused by the name of its field, and nothing is stored."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.ids import PatientId
from careloop.local.settings import SERVICES
from tests.support.checker.ledger import tables
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.flow import enrolled
from tests.support.processes.running import (
    System,
    ago,
    assessment,
    common,
    coordination,
    monitoring,
    new_id,
    notifications,
    prescribing,
)

pytestmark = pytest.mark.system

NUL = "a\0b"
SOMEBODY = "5f0c7c2e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Bad:
    """A request with one thing wrong; `field` is what its refusal must name."""

    service: str
    field: str
    request: Any
    role: str = "psychiatrist"

    def __str__(self) -> str:
        return f"{self.service}.{type(self.request).__name__.removesuffix('Request')} {self.field}"


def tomorrow() -> Any:
    return ago(days=-1)


def foreign_token() -> str:
    """Of a write about somebody else."""
    return ConsistencyToken(
        service="assessment", partition=0, position=1, patient_id=PatientId(UUID(SOMEBODY))
    ).encode()


def enrolment(**changes: Any) -> Any:
    told: dict[str, Any] = {"name": "Robin", "birth_date": "1990-01-01", "sex": "female", "time_zone": "UTC"}
    return assessment.EnrollPatientRequest(**{**told, **changes})


def listed(**changes: Any) -> Any:
    told: dict[str, Any] = {"medicine": SERTRALINE, "daily_dose_mg": "50", "source": "client"}
    return assessment.ReconcileMedicationsRequest(medications=[assessment.CurrentMedication(**{**told, **changes})])


def allergy(**changes: Any) -> Any:
    told: dict[str, Any] = {"substance": SERTRALINE, "type": "allergy", "criticality": "low"}
    return assessment.RecordAllergiesRequest(allergies=[assessment.Allergy(**{**told, **changes})])


def diagnosis(**changes: Any) -> Any:
    told: dict[str, Any] = {"icd10": "F33.1", "severity": "moderate", "verification": "confirmed"}
    return assessment.EstablishDiagnosisRequest(**{**told, **changes})


def report(**changes: Any) -> Any:
    return monitoring.ReportSideEffectRequest(**{"symptom": "nausea", **changes})


def dose(**changes: Any) -> Any:
    told: dict[str, Any] = {"medicine": SERTRALINE, "status": monitoring.DOSE_STATUS_TAKEN}
    return monitoring.RecordDoseRequest(**{**told, **changes})


def order(**changes: Any) -> Any:
    told: dict[str, Any] = {"medicine": SERTRALINE, "daily_dose_mg": "50", "sig": "once a day", "days_supply": 30}
    return prescribing.IssuePrescriptionRequest(order=prescribing.Order(**{**told, **changes}))


def standing_on(*tokens: str) -> Any:
    request = order()
    request.at_least.extend(tokens)
    return request


def overridden(**changes: Any) -> Any:
    request = order()
    request.overrides.append(prescribing.Override(**{"rule": "r", "reason": "no-alternative", **changes}))
    return request


def member(**changes: Any) -> Any:
    return coordination.AssignTeamMemberRequest(**{"person": "dr-x", "name": "X", "role": "psychiatrist", **changes})


def message(**changes: Any) -> Any:
    return coordination.PostMessageRequest(**{"recipient": "dr-x", "text": "hello", **changes})


def strike(of: Any, **changes: Any) -> Any:
    return of.MarkEnteredInErrorRequest(**{"fact_id": SOMEBODY, "reason": "another patient's", **changes})


NOT_DOSES = ("NaN", "sNaN", "-5", "Infinity", "1e400", "12,5", "1.0000001", "1_000", "\u0665", "fifty", "1000000")
STRIKERS = (
    ("assessment", assessment),
    ("prescribing", prescribing),
    ("monitoring", monitoring),
    ("coordination", coordination),
)

CASES = [
    Bad("assessment", "request_id", enrolment(request_id=" ")),
    Bad("assessment", "request_id", enrolment(request_id="x" * 129)),
    Bad("assessment", "request_id", enrolment(request_id=NUL)),
    Bad("assessment", "request_id", enrolment(request_id="a\x1fb")),
    *(Bad("assessment", "patient_id", enrolment(patient_id=wrong)) for wrong in ("", "robin", SOMEBODY[:-1], NUL)),
    *(Bad("assessment", "name", enrolment(name=wrong)) for wrong in ("", "  ", "x" * 501, "x" * 10_001, NUL)),
    *(
        Bad("assessment", "birth_date", enrolment(birth_date=wrong))
        for wrong in ("", "01/02/1990", "1990-02-30", "1875-01-01", "2999-01-01", NUL)
    ),
    *(Bad("assessment", "sex", enrolment(sex=wrong)) for wrong in ("", "FEMALE", "f")),
    *(Bad("assessment", "time_zone", enrolment(time_zone=wrong)) for wrong in ("Mars/Olympus", "../../etc/passwd")),
    Bad("assessment", "emergency_contact.name", enrolment(emergency_contact=assessment.EmergencyContact(phone="1"))),
    Bad("assessment", "occurred_at", enrolment(occurred_at=tomorrow())),
    Bad("assessment", "occurred_at", enrolment(occurred_at=Timestamp(seconds=-(10**10)))),
    Bad("assessment", "occurred_at", enrolment(occurred_at=Timestamp(seconds=10**15))),
    Bad("assessment", "source", assessment.RecordHistoryRequest(nothing_known=True)),
    Bad("assessment", "conditions", assessment.RecordHistoryRequest(source="interview")),
    Bad(
        "assessment",
        "conditions[0].coding.system",
        assessment.RecordHistoryRequest(source="interview", conditions=[assessment.Condition()]),
    ),
    *(Bad("assessment", "medications[0].daily_dose_mg", listed(daily_dose_mg=wrong)) for wrong in NOT_DOSES),
    Bad("assessment", "medications[0].medicine.name", listed(medicine=common.Medicine(rxcui="36437"))),
    Bad("assessment", "medications[0].started_on", listed(started_on="yesterday")),
    Bad("assessment", "medications[0].source", listed(source="")),
    Bad("assessment", "medications", assessment.ReconcileMedicationsRequest()),
    Bad(
        "assessment",
        "medications",
        assessment.ReconcileMedicationsRequest(medications=[assessment.CurrentMedication()] * 1_001),
    ),
    Bad("assessment", "allergies[0].type", allergy(type="dislike")),
    Bad("assessment", "allergies[0].criticality", allergy(criticality="")),
    Bad("assessment", "allergies", assessment.RecordAllergiesRequest()),
    Bad(
        "assessment",
        "instrument",
        assessment.AnswerScaleRequest(instrument="phq-99", items=[0] * 9, source="clinician"),
    ),
    Bad("assessment", "items", assessment.AnswerScaleRequest(instrument="phq-9", items=[0] * 8, source="clinician")),
    Bad(
        "assessment",
        "items[3]",
        assessment.AnswerScaleRequest(instrument="phq-9", items=[0, 1, 2, 4, 0, 0, 0, 0, 0], source="clinician"),
    ),
    Bad(
        "assessment", "total", assessment.RecordScaleTotalRequest(instrument="phq-9", total=28, source="another clinic")
    ),
    Bad(
        "assessment", "total", assessment.RecordScaleTotalRequest(instrument="phq-9", total=-1, source="another clinic")
    ),
    *(Bad("assessment", "icd10", diagnosis(icd10=wrong)) for wrong in ("", "depression", "33.1F", NUL)),
    Bad("assessment", "severity", diagnosis(severity="awful")),
    Bad("assessment", "verification", diagnosis(verification="perhaps")),
    Bad("assessment", "plan", assessment.ProposePlanRequest()),
    Bad(
        "assessment",
        "plan.goals[0]",
        assessment.ProposePlanRequest(plan=assessment.Plan(therapies=["CBT"], goals=[" "])),
    ),
    *(Bad("monitoring", "symptom", report(symptom=wrong)) for wrong in ("", "x" * 501, NUL)),
    *(Bad("monitoring", "ctcae_grade", report(ctcae_grade=wrong)) for wrong in (0, 6, -1, 2**31 - 1)),
    *(Bad("monitoring", "fibser_burden", report(fibser_burden=wrong)) for wrong in (-1, 7)),
    Bad("monitoring", "own_words", report(own_words="x" * 2_001)),
    Bad("monitoring", "suspected_medicine.name", report(suspected_medicine=common.Medicine(rxcui="1"))),
    Bad("monitoring", "occurred_at", report(occurred_at=tomorrow())),
    *(Bad("monitoring", "status", dose(status=wrong)) for wrong in (0, 99, -1)),
    Bad("monitoring", "reason", dose(status=monitoring.DOSE_STATUS_SKIPPED)),
    Bad("monitoring", "prescription_id", dose(prescription_id="the first")),
    Bad("monitoring", "medicine.rxcui", dose(medicine=common.Medicine(name="x", rxcui="1" * 21))),
    Bad("monitoring", "medicine.name", dose(medicine=common.Medicine(name=NUL))),
    Bad("monitoring", "items", monitoring.AnswerScaleRequest(instrument="phq-9")),
    Bad("monitoring", "items[0]", monitoring.AnswerScaleRequest(instrument="phq-9", items=[-2] + [0] * 8)),
    Bad(
        "monitoring",
        "side_effect_id",
        monitoring.ResolveSideEffectRequest(side_effect_id="1", outcome="resolved", action_taken="none"),
    ),
    Bad(
        "monitoring",
        "outcome",
        monitoring.ResolveSideEffectRequest(side_effect_id=SOMEBODY, outcome="cured", action_taken="none"),
    ),
    *(Bad("prescribing", "order.daily_dose_mg", order(daily_dose_mg=wrong)) for wrong in NOT_DOSES),
    Bad("prescribing", "order.medicine.name", order(medicine=common.Medicine())),
    Bad("prescribing", "order.medicine.name", order(medicine=common.Medicine(name=NUL))),
    *(Bad("prescribing", "order.days_supply", order(days_supply=wrong)) for wrong in (0, -1, 2**31 - 1)),
    Bad("prescribing", "order.starts_on", order(starts_on="soon")),
    Bad("prescribing", "overrides[0].reason", overridden(reason="because")),
    Bad("prescribing", "overrides[0].rule", overridden(rule="")),
    Bad("prescribing", "at_least[0]", standing_on("rubbish")),
    Bad("prescribing", "at_least[0]", standing_on(foreign_token())),
    Bad(
        "prescribing",
        "prescription_id",
        prescribing.ChangeDoseRequest(prescription_id="1", daily_dose_mg="50", reason="too much"),
    ),
    Bad(
        "prescribing",
        "daily_dose_mg",
        prescribing.ChangeDoseRequest(prescription_id=SOMEBODY, daily_dose_mg="-1", reason="too much"),
    ),
    Bad(
        "prescribing",
        "status_reason",
        prescribing.DiscontinuePrescriptionRequest(prescription_id=SOMEBODY, status_reason="fed up"),
    ),
    Bad("coordination", "role", member(role="boss"), "care-manager"),
    *(Bad("coordination", "person", member(person=wrong), "care-manager") for wrong in (" ", "dr\x1fx")),
    Bad("coordination", "email", member(email="x@"), "care-manager"),
    Bad("coordination", "email", member(email="x@example.org\nBcc: y@example.org"), "care-manager"),
    Bad("coordination", "occurred_at", member(occurred_at=tomorrow()), "care-manager"),
    *(Bad("coordination", "text", message(text=wrong)) for wrong in ("", "x" * 4_001, NUL)),
    Bad("coordination", "about", message(about="that")),
    *(Bad(service, "fact_id", strike(of, fact_id="1")) for service, of in STRIKERS),
    *(Bad(service, "reason", strike(of, reason="")) for service, of in STRIKERS),
    *(Bad(service, "patient_id", strike(of, patient_id="1")) for service, of in STRIKERS),
    Bad("notifications", "notice_id", notifications.AcknowledgeNoticeRequest(notice_id="1")),
    Bad("notifications", "page_size", notifications.ListInboxRequest(page_size=-1)),
    Bad("notifications", "page_token", notifications.ListInboxRequest(page_token="2")),
    Bad("coordination", "patient_id", coordination.GetCareViewRequest(patient_id="robin")),
    Bad("coordination", "at_least[0]", coordination.GetCareViewRequest(at_least=["rubbish"])),
    Bad("coordination", "at_least[0]", coordination.GetCareViewRequest(at_least=[foreign_token()])),
    Bad("coordination", "known_at", coordination.GetCareViewAsKnownRequest(known_at=tomorrow())),
    Bad("coordination", "page_size", coordination.ListCaseloadRequest(page_size=100_000)),
    Bad("coordination", "page_token", coordination.ListCaseloadRequest(page_token="2")),
    Bad("assessment", "patient_id", assessment.GetAssessmentRequest(patient_id="robin")),
]


async def head_of_assessment(system: System) -> int:
    """Assessment consumes nothing, so its log grows by commands only."""
    async with tables(system) as connection:
        return int(await connection.fetchval("select max(notification_id) from assessment.events"))


async def traces(system: System, command: str) -> int:
    """Rows of any service that came of this request id."""
    command = command.replace("\0", "")
    async with tables(system) as connection:
        return sum(
            [
                await connection.fetchval(f"select count(*) from {service}.{table} where {column} = $1", command)
                for service in SERVICES
                for table, column in (("events", "command_id"), ("decided_commands", "request_id"))
            ]
        )


def refused_field(refusal: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(refusal)
    info = ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.metadata["field"])


def about(care: Care, bad: Bad) -> Any:
    """The request with an id and about this patient, unless that is what is wrong with it, or the inbox is staff's."""
    request = type(bad.request)()
    request.CopyFrom(bad.request)
    for field, value in (("request_id", new_id()), ("patient_id", care.patient_id)):
        staffs_own = isinstance(request, notifications.ListInboxRequest)
        if field in request.DESCRIPTOR.fields_by_name and field != bad.field and not staffs_own:
            setattr(request, field, value)
    return request


@pytest.mark.parametrize("bad", CASES, ids=str)
async def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(system: System, bad: Bad) -> None:
    (care,) = await enrolled(system, 1)
    request = about(care, bad)
    head = await head_of_assessment(system)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await system.person(bad.role, "somebody").call(bad.service, request)
    assert (refused.value.code(), refused_field(refused.value)) == (grpc.StatusCode.INVALID_ARGUMENT, bad.field)
    assert await traces(system, getattr(request, "request_id", "")) == 0
    assert await head_of_assessment(system) == head
