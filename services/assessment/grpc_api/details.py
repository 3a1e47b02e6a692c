"""The parts of a request that say what a fact is made of, each refused by its place in the request."""

from collections.abc import Sequence

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2

from careloop.chassis.calls import reading as fields
from services.assessment.domain.codes import AllergyType, Criticality, StoppedFor, TreatmentResponse
from services.assessment.domain.details import (
    Allergy,
    Coding,
    Condition,
    CurrentMedication,
    EarlierTreatment,
    EmergencyContact,
    Location,
    Medicine,
    Result,
)

LONGEST_NAME = 500
LONGEST_CODE = 60
MOST_WEEKS = 5_200


def emergency_contact(request: pb.EnrollPatientRequest) -> EmergencyContact | None:
    if not request.HasField("emergency_contact"):
        return None
    contact = request.emergency_contact
    return EmergencyContact(
        name=fields.text(contact.name, "emergency_contact.name", longest=LONGEST_NAME),
        relationship=fields.optional_text(contact.relationship, "emergency_contact.relationship", longest=LONGEST_NAME),
        phone=fields.text(contact.phone, "emergency_contact.phone", longest=LONGEST_CODE),
    )


def location(request: pb.EnrollPatientRequest) -> Location | None:
    if not request.HasField("location"):
        return None
    place = request.location
    return Location(
        address=fields.text(place.address, "location.address", longest=LONGEST_NAME),
        emergency_department=fields.optional_text(
            place.emergency_department, "location.emergency_department", longest=LONGEST_NAME
        ),
        emergency_department_phone=fields.optional_text(
            place.emergency_department_phone, "location.emergency_department_phone", longest=LONGEST_CODE
        ),
    )


def condition(given: pb.Condition, path: str) -> Condition:
    coding = Coding(
        system=fields.text(given.coding.system, f"{path}.coding.system", longest=LONGEST_CODE),
        code=fields.text(given.coding.code, f"{path}.coding.code", longest=LONGEST_CODE),
        display=fields.optional_text(given.coding.display, f"{path}.coding.display", longest=LONGEST_NAME),
    )
    return Condition(
        coding=coding,
        clinical_status=fields.text(given.clinical_status, f"{path}.clinical_status", longest=LONGEST_CODE),
        onset=fields.optional_day(given.onset, f"{path}.onset"),
    )


def earlier_treatment(treatment: pb.EarlierTreatment, path: str) -> EarlierTreatment:
    weeks = fields.whole(treatment.weeks, f"{path}.weeks", least=0, most=MOST_WEEKS)
    return EarlierTreatment(
        medicine=medicine(treatment.medicine, f"{path}.medicine"),
        daily_dose_mg=fields.optional_amount(treatment.daily_dose_mg, f"{path}.daily_dose_mg"),
        weeks=weeks if treatment.HasField("weeks") else None,
        response=fields.coded(treatment.response, TreatmentResponse, f"{path}.response"),
        side_effects=texts(treatment.side_effects, f"{path}.side_effects"),
        stopped_for=fields.coded(treatment.stopped_for, StoppedFor, f"{path}.stopped_for"),
    )


def medication(taken: pb.CurrentMedication, path: str) -> CurrentMedication:
    return CurrentMedication(
        medicine=medicine(taken.medicine, f"{path}.medicine"),
        daily_dose_mg=fields.optional_amount(taken.daily_dose_mg, f"{path}.daily_dose_mg"),
        started_on=fields.optional_day(taken.started_on, f"{path}.started_on"),
        stopped_on=fields.optional_day(taken.stopped_on, f"{path}.stopped_on"),
        source=source(taken.source, f"{path}.source"),
    )


def allergy(given: pb.Allergy, path: str) -> Allergy:
    return Allergy(
        substance=medicine(given.substance, f"{path}.substance"),
        type=fields.coded(given.type, AllergyType, f"{path}.type"),
        criticality=fields.coded(given.criticality, Criticality, f"{path}.criticality"),
        reaction=fields.optional_text(given.reaction, f"{path}.reaction", longest=LONGEST_NAME),
    )


def result(given: pb.Result, path: str) -> Result:
    return Result(
        loinc=fields.text(given.loinc, f"{path}.loinc", longest=LONGEST_CODE),
        value=fields.amount(given.value, f"{path}.value"),
        unit=fields.optional_text(given.unit, f"{path}.unit", longest=LONGEST_CODE),
        on=fields.day(given.on, f"{path}.on"),
        display=fields.optional_text(given.display, f"{path}.display", longest=LONGEST_NAME),
    )


def medicine(named: common_pb2.Medicine, path: str) -> Medicine:
    return Medicine(
        name=fields.text(named.name, f"{path}.name", longest=LONGEST_NAME),
        rxcui=fields.optional_text(named.rxcui, f"{path}.rxcui", longest=20),
    )


def source(value: str, path: str = "source") -> str:
    return fields.text(value, path, longest=200)


def texts(values: Sequence[str], path: str) -> tuple[str, ...]:
    return tuple(fields.text(value, f"{path}[{index}]", longest=LONGEST_NAME) for index, value in enumerate(values))
