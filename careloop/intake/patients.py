"""Who a FHIR Patient is: the id derived from the source's own identifier, and the enrolment."""

import re

from care.assessment.v1 import assessment_pb2 as pb

from careloop.intake.dates import day
from careloop.intake.shapes import Address, Contact, ContactPoint, HumanName, Patient
from careloop.intake.tally import NotUnderstood, NotUsed
from careloop.kernel.ids import PatientId, derived_id

SEXES = frozenset({"female", "male", "other", "unknown"})


def patient_id(patient: Patient) -> PatientId:
    """The same id for the same identifier of the same source, for ever. Raises NotUnderstood if there is none."""
    for identifier in patient.identifier:
        if identifier.system and identifier.value:
            return _derived(identifier.system, identifier.value)
    if patient.id:
        return _derived("", patient.id)
    raise NotUnderstood("no-identifier")


def _derived(system: str, value: str) -> PatientId:
    try:
        return PatientId(derived_id("intake", "patient", system, value))
    except ValueError:
        raise NotUnderstood("no-identifier") from None


def enrolment(patient: Patient, time_zone: str) -> pb.EnrollPatientRequest:
    """The identity as an enrolment. Raises NotUsed for one who died, NotUnderstood without name or whole birth date."""
    if patient.deceased_boolean or patient.deceased_date_time:
        raise NotUsed("deceased")
    name, born = _official_name(patient.name), day(patient.birth_date)
    if not name:
        raise NotUnderstood("name-missing")
    if born is None:
        raise NotUnderstood("birth-date-incomplete")
    return pb.EnrollPatientRequest(
        name=name,
        birth_date=born.isoformat(),
        sex=patient.gender if patient.gender in SEXES else "unknown",
        phone=_reached_by("phone", patient.telecom),
        email=_reached_by("email", patient.telecom),
        emergency_contact=next(filter(None, map(_emergency_contact, patient.contact)), None),
        location=next(filter(None, map(_location, patient.address)), None),
        time_zone=time_zone,
    )


def _official_name(names: tuple[HumanName, ...]) -> str:
    official = [name for name in names if name.use == "official"]
    return next(filter(None, map(_whole_name, (*official, *names))), "")


def _whole_name(name: HumanName) -> str:
    """Given names and family name; prefixes are left out, and the digits that generated names end in."""
    parts = [re.sub(r"\d+$", "", part).strip() for part in (*name.given, name.family)]
    return " ".join(filter(None, parts)) or name.text.strip()


def _reached_by(system: str, telecom: tuple[ContactPoint, ...]) -> str:
    return next((point.value for point in telecom if point.system == system and point.value), "")


def _emergency_contact(contact: Contact) -> pb.EmergencyContact | None:
    name, phone = _whole_name(contact.name) if contact.name else "", _reached_by("phone", contact.telecom)
    if not name or not phone:
        return None
    relationship = next((concept.words for concept in contact.relationship if concept.words), "")
    return pb.EmergencyContact(name=name, relationship=relationship, phone=phone)


def _location(address: Address) -> pb.Location | None:
    parts = (*address.line, address.city, address.state, address.postal_code, address.country)
    whole = ", ".join(part for part in parts if part) or address.text
    return pb.Location(address=whole) if whole.strip() else None
