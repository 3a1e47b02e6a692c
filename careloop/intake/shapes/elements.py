"""Elements that several resources share."""

from decimal import Decimal

import msgspec

from careloop.intake.code_systems import system_of, words_of


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One FHIR element or resource."""


class Coding(Shape, frozen=True):
    system: str = ""
    code: str = ""
    display: str = ""


class Concept(Shape, frozen=True):
    """CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str = ""

    def code_in(self, system: str) -> Coding | None:
        """The first code of the system of that short name."""
        return next((coding for coding in self.coding if coding.code and system_of(coding.system) == system), None)

    @property
    def display(self) -> str:
        """The words of the first code that has any."""
        return next((coding.display.strip() for coding in self.coding if coding.display.strip()), "")

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(coding.code for coding in self.coding)

    @property
    def first_code(self) -> str:
        return self.coding[0].code if self.coding else ""

    @property
    def words(self) -> str:
        return self.text.strip() or self.display

    @property
    def any_words(self) -> str:
        """The words; of a code without any, its system and itself; empty only where nothing is said."""
        coded = next((coding for coding in self.coding if coding.code), None)
        return self.words or (words_of(coded.system, coded.code) if coded else "")


class Period(Shape, frozen=True):
    start: str = ""
    end: str = ""


class Identifier(Shape, frozen=True):
    use: str = ""
    type: Concept | None = None
    system: str = ""
    value: str = ""
    period: Period | None = None


class Reference(Shape, frozen=True):
    """`identifier` names its target where no resource does; `display` says it in words."""

    reference: str = ""
    identifier: Identifier | None = None
    display: str = ""


class Quantity(Shape, frozen=True):
    """Quantity and Duration; `code` is UCUM. With a `comparator` the value is no more than a bound."""

    value: Decimal | None = None
    comparator: str = ""
    unit: str = ""
    code: str = ""


class Ratio(Shape, frozen=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None
