"""One class in the words of another."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NewType

import pytest

from careloop.kernel.events import Private
from careloop.kernel.reading import Length
from careloop.kernel.restating import CannotRestate, fact, restating, shown

Id = NewType("Id", str)


class Said(StrEnum):
    YES = "yes"
    NO = "no"


class Heard(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    name: Annotated[str, Length(20)]
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    id: Id
    drug: Drug | None
    drugs: tuple[Drug, ...]
    answer: Said
    actor: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    id: str
    drug: Medicine | None
    drugs: tuple[Medicine, ...]
    answer: Heard
    taken_by: str
    rule: int
    remark: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    maker: str
    drug: Drug


TAKE = Take(id=Id("1"), drug=Drug(name="a"), drugs=(Drug(name="b", code="2"),), answer=Said.NO, actor="me", note="n")


def test_fields_of_the_same_name_go_over_by_value_and_others_by_their_name() -> None:
    taken = fact(Taken, Take, "rule", taken_by="actor")
    assert taken(TAKE, rule=3) == Taken(
        id="1",
        drug=Medicine(name="a", code=""),
        drugs=(Medicine(name="b", code="2"),),
        answer=Heard.NO,
        taken_by="me",
        rule=3,
    )


def test_a_field_may_come_from_any_depth() -> None:
    product = Product(maker="m", drug=Drug(name="x", code="7"))
    assert shown(Medicine, Product, "name", code="drug.code")(product, name="y") == Medicine(name="y", code="7")


def test_the_caller_gives_what_was_announced_and_nothing_else() -> None:
    taken = fact(Taken, Take, "rule", taken_by="actor")
    with pytest.raises(TypeError, match="rule"):
        taken(TAKE)
    with pytest.raises(TypeError, match="remark"):
        taken(TAKE, rule=3, remark="late")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    rule: int
    answer: Heard


def test_of_several_the_last_that_has_a_field_gives_it() -> None:
    taken = fact(Taken, (Take, Ruling), taken_by="actor")
    made = taken(TAKE, Ruling(rule=3, answer=Heard.UNKNOWN))
    assert (made.id, made.taken_by, made.rule, made.answer) == ("1", "me", 3, Heard.UNKNOWN)
    assert fact(Taken, (Ruling, Take), taken_by="actor")(Ruling(rule=3, answer=Heard.UNKNOWN), TAKE).answer is Heard.NO


def test_what_none_of_several_has_is_refused_when_the_function_is_made() -> None:
    with pytest.raises(CannotRestate, match=r"Drug and Ruling: no id for Taken\.id"):
        fact(Taken, (Drug, Ruling))


def test_what_is_missing_stays_missing() -> None:
    taken = restating(Taken, Take, "rule", taken_by="actor")
    without = Take(id=Id("1"), drug=None, drugs=(), answer=Said.YES, actor="me")
    assert taken(without, rule=1).drug is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {"taken_by": "actor"}),  # nobody says the rule
        (("rule",), {}),  # nobody says who took it
        (("rule",), {"taken_by": "nobody"}),
        (("rule", "ruling"), {"taken_by": "actor"}),
        (("rule",), {"taken_by": "actor", "remark": "drug"}),
        (("rule",), {"taken_by": "drugs"}),
    ],
)
def test_what_does_not_fit_is_refused_when_the_function_is_made(given: tuple[str, ...], named: dict[str, str]) -> None:
    with pytest.raises(CannotRestate):
        restating(Taken, Take, *given, **named)


def test_codes_go_over_only_where_all_of_them_are_known() -> None:
    with pytest.raises(CannotRestate, match="unknown"):
        restating(Take, Taken, "drug", "drugs", "actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    at: str
    address: Annotated[str, Private()] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    at: str
    address: str = "not shown"


def test_what_is_private_is_shown_only_where_it_is_named() -> None:
    visited = Visited(at="noon", address="1 High Street")
    assert shown(VisitView, Visited)(visited) == VisitView(at="noon")
    assert shown(VisitView, Visited, address="address")(visited).address == "1 High Street"
    assert fact(Visited, Visited)(visited) == visited
