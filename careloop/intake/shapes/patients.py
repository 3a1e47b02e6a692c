"""Patient."""

from careloop.intake.shapes.elements import Concept, Identifier, Period, Reference, Shape


class HumanName(Shape, frozen=True):
    use: str = ""
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    period: Period | None = None


class ContactPoint(Shape, frozen=True):
    system: str = ""
    value: str = ""
    use: str = ""
    rank: int | None = None
    period: Period | None = None


class Address(Shape, frozen=True):
    use: str = ""
    period: Period | None = None
    text: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


class Contact(Shape, frozen=True):
    relationship: tuple[Concept, ...] = ()
    name: HumanName | None = None
    telecom: tuple[ContactPoint, ...] = ()
    period: Period | None = None


class Link(Shape, frozen=True):
    """Patient.link."""

    other: Reference = Reference()
    type: str = ""


class Patient(Shape, frozen=True):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    gender: str = ""
    birth_date: str = ""
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    contact: tuple[Contact, ...] = ()
    link: tuple[Link, ...] = ()
    active: bool = True
    deceased_boolean: bool = False
    deceased_date_time: str = ""
