"""What was stored, in the words of the wire."""

from dataclasses import dataclass

import pytest
from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls.requests import DoesNotFit
from careloop.chassis.calls.writing import shown_as
from careloop.contracts.terms import Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    check: str
    reason: str
    subject: str = ""
    settled_by: str = ""
    note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    knowledge: Source
    outcome: str
    not_checked: tuple[Check, ...]
    checked: tuple[str, ...]


SCREENED = Screened(
    knowledge=Source(name="pack", version="1", digest="d"),
    outcome="clear",
    not_checked=(Check(check="dose", reason="dose-missing"),),
    checked=("age",),
)
KNOWLEDGE = {
    "knowledge_pack": "knowledge.name",
    "knowledge_version": "knowledge.version",
    "knowledge_digest": "knowledge.digest",
}


def test_fields_are_shown_by_their_name_by_another_or_as_given() -> None:
    shown = shown_as(pb.Screening, Screened, "alerts", **KNOWLEDGE)(SCREENED, alerts=[common_pb2.Alert(rule="r")])
    assert shown == pb.Screening(
        knowledge_pack="pack",
        knowledge_version="1",
        knowledge_digest="d",
        outcome="clear",
        alerts=[common_pb2.Alert(rule="r")],
        not_checked=[common_pb2.NotChecked(check="dose", reason="dose-missing")],
        checked=["age"],
    )


def test_nothing_is_shown_as_nothing() -> None:
    assert shown_as(common_pb2.NotChecked, Check)(None) is None


@pytest.mark.parametrize(
    ("cls", "given", "named"),
    [
        (Screened, (), KNOWLEDGE),  # nobody has the alerts
        (Screened, ("alerts",), {}),  # nor the pack
        (Screened, ("alerts", "warnings"), KNOWLEDGE),  # the message has none
        (Triage, ("alerts",), KNOWLEDGE),
    ],
)
def test_what_does_not_fit_the_message_is_refused_at_import(
    cls: type, given: tuple[str, ...], named: dict[str, str]
) -> None:
    with pytest.raises(DoesNotFit):
        shown_as(pb.Screening, cls, *given, **named)
