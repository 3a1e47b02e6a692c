"""The identity of a FHIR Patient as an enrolment: name, birth date and where the client is reached today."""

from collections.abc import Iterable
from datetime import date

from care.assessment.v1 import assessment_pb2 as pb

from careloop.intake.dates import day
from careloop.intake.identity import ended, written
from careloop.intake.shapes.patients import Address, Contact, ContactPoint, HumanName, Patient
from careloop.intake.tally import NotUnderstood, NotUsed

SEXES = frozenset({"female", "male", "other", "unknown"})
NAMES = {"official": 0, "usual": 1, "": 2, "temp": 3, "nickname": 4, "anonymous": 4}
"""Which name is taken. Old and maiden names are nobody's name today."""
REACHED = {"mobile": 0, "home": 1, "": 2, "work": 3, "temp": 3}
LIVED = {"home": 0, "temp": 1, "": 2, "work": 3}
LOWEST_RANK = 1_000
LONGEST_PHONE = 60
LONGEST_TEXT = 500
SCHEMES = {"phone": "tel:", "email": "mailto:"}


def enrolment(patient: Patient, time_zone: str, today: date) -> pb.EnrollPatientRequest:
    """The identity as an enrolment. Raises NotUsed for one who died or whose record is not in use, NotUnderstood
    without name or whole birth date."""
    if patient.deceased_boolean or patient.deceased_date_time:
        raise NotUsed("deceased")
    if not patient.active:
        raise NotUsed("inactive")
    name, born = _name(patient.name, today), day(patient.birth_date)
    if not name:
        raise NotUnderstood("name-missing")
    if born is None:
        raise NotUnderstood("birth-date-incomplete" if patient.birth_date else "birth-date-missing")
    return pb.EnrollPatientRequest(
        name=name,
        birth_date=born.isoformat(),
        sex=patient.gender if patient.gender in SEXES else "unknown",
        phone=_reached_by("phone", patient.telecom, today),
        email=_reached_by("email", patient.telecom, today),
        emergency_contact=next(filter(None, (_emergency_contact(one, today) for one in patient.contact)), None),
        location=_location(patient.address, today),
        time_zone=time_zone,
    )


def _name(names: Iterable[HumanName], today: date) -> str:
    in_use = [name for name in names if name.use in NAMES and not ended(name.period, today)]
    in_use.sort(key=lambda name: NAMES[name.use])
    return next(filter(None, map(written, in_use)), "")[:LONGEST_TEXT]


def _reached_by(system: str, telecom: Iterable[ContactPoint], today: date) -> str:
    """The one that the source ranks first; what is marked old, or is over, reaches a stranger."""
    in_use = [
        point for point in telecom if point.use in REACHED and _is(system, point) and not ended(point.period, today)
    ]
    in_use.sort(key=lambda point: (point.rank or LOWEST_RANK, REACHED[point.use]))
    longest = LONGEST_PHONE if system == "phone" else LONGEST_TEXT
    values = (point.value.strip().removeprefix(SCHEMES[system]).strip() for point in in_use)
    return next((value for value in values if 0 < len(value) <= longest), "")


def _is(system: str, point: ContactPoint) -> bool:
    return point.system == system or point.value.strip().startswith(SCHEMES[system])


def _emergency_contact(contact: Contact, today: date) -> pb.EmergencyContact | None:
    name, phone = written(contact.name) if contact.name else "", _reached_by("phone", contact.telecom, today)
    if not name or not phone or ended(contact.period, today):
        return None
    relationship = next((concept.words for concept in contact.relationship if concept.words), "")
    return pb.EmergencyContact(name=name[:LONGEST_TEXT], relationship=relationship[:LONGEST_TEXT], phone=phone)


def _location(addresses: Iterable[Address], today: date) -> pb.Location | None:
    in_use = [one for one in addresses if one.use in LIVED and not ended(one.period, today)]
    in_use.sort(key=lambda one: LIVED[one.use])
    return next((pb.Location(address=whole) for whole in map(_whole, in_use) if whole), None)


def _whole(address: Address) -> str:
    parts = (*address.line, address.city, address.state, address.postal_code, address.country)
    whole = ", ".join(part for part in parts if part.strip()) or address.text
    return whole.strip()[:LONGEST_TEXT]
