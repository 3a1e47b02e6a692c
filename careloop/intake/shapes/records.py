"""Condition, AllergyIntolerance, Observation and QuestionnaireResponse."""

from decimal import Decimal

from careloop.intake.shapes.elements import Coding, Concept, Period, Quantity, Reference, Shape


class Condition(Shape, frozen=True):
    id: str = ""
    clinical_status: Concept | None = None
    verification_status: Concept | None = None
    code: Concept = Concept()
    subject: Reference = Reference()
    onset_date_time: str = ""
    onset_period: Period | None = None
    recorded_date: str = ""


class Reaction(Shape, frozen=True):
    substance: Concept | None = None
    manifestation: tuple[Concept, ...] = ()


class AllergyIntolerance(Shape, frozen=True):
    id: str = ""
    clinical_status: Concept | None = None
    verification_status: Concept | None = None
    type: str = ""
    criticality: str = ""
    code: Concept = Concept()
    patient: Reference = Reference()
    recorded_date: str = ""
    onset_date_time: str = ""
    reaction: tuple[Reaction, ...] = ()


class Component(Shape, frozen=True):
    code: Concept = Concept()
    value_boolean: bool | None = None
    value_string: str | None = None
    value_integer: int | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None


class Observation(Shape, frozen=True):
    id: str = ""
    status: str = ""
    code: Concept = Concept()
    subject: Reference = Reference()
    focus: tuple[Reference, ...] = ()
    effective_date_time: str = ""
    effective_period: Period | None = None
    issued: str = ""
    value_boolean: bool | None = None
    value_string: str | None = None
    value_integer: int | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    component: tuple[Component, ...] = ()
    has_member: tuple[Reference, ...] = ()


class Answer(Shape, frozen=True):
    """QuestionnaireResponse.item.answer."""

    value_coding: Coding | None = None
    value_boolean: bool | None = None
    value_quantity: Quantity | None = None
    value_integer: int | None = None
    value_decimal: Decimal | None = None
    value_string: str | None = None
    item: tuple["Item", ...] = ()


class Item(Shape, frozen=True):
    """QuestionnaireResponse.item."""

    link_id: str = ""
    definition: str = ""
    answer: tuple[Answer, ...] = ()
    item: tuple["Item", ...] = ()


class QuestionnaireResponse(Shape, frozen=True):
    id: str = ""
    status: str = ""
    subject: Reference = Reference()
    authored: str = ""
    item: tuple[Item, ...] = ()
