"""Where a client is reached today: a message to an old number reaches a stranger."""

from typing import Any

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import mapped, reasons, requests, sent


def enrolled(**changes: Any) -> Any:
    ((facts,), _) = mapped(fhir.patient(**changes))
    return sent(facts)["EnrollPatient"]


def phone(value: str, **more: Any) -> Json:
    return {"system": "phone", "value": value} | more


@pytest.mark.parametrize(
    ("telecom", "reached"),
    [
        ([phone("1", use="old"), phone("2")], "2"),
        ([phone("1", period={"end": "2026-11-22"}), phone("2")], "2"),
        ([phone("1", period={"end": "2026-11-23"}), phone("2")], "1"),
        ([phone("1", period={"start": "2026-11-24"}), phone("2")], "2"),
        ([phone("1", use="work"), phone("2", use="home"), phone("3", use="mobile")], "3"),
        ([phone("1", use="mobile", rank=2), phone("2", use="work", rank=1)], "2"),
        ([phone("1", use="mobile"), phone("2", use="work", rank=1)], "2"),
        ([phone("tel:+1-555-0100")], "+1-555-0100"),
        ([{"system": "url", "value": "tel:+1-555-0100"}], "+1-555-0100"),
        ([phone("1" * 61), phone("2")], "2"),
        ([phone(" "), phone("2")], "2"),
        ([{"system": "fax", "value": "1"}], ""),
        ([phone("1", use="old")], ""),
    ],
)
def test_a_client_is_reached_where_the_source_says_that_they_are_today(telecom: list[Json], reached: str) -> None:
    assert enrolled(telecom=telecom).phone == reached


def test_an_address_of_mail_may_be_written_as_a_link() -> None:
    assert enrolled(telecom=[{"system": "email", "value": "mailto:alma@example.org"}]).email == "alma@example.org"


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([{"use": "old", "text": "Al Old"}, {"use": "usual", "text": "Al Usual"}], "Al Usual"),
        ([{"use": "usual", "text": "Al Usual"}, {"use": "official", "text": "Al Official"}], "Al Official"),
        ([{"use": "nickname", "text": "Ally"}, {"text": "Al Plain"}], "Al Plain"),
        ([{"use": "nickname", "text": "Ally"}], "Ally"),
        ([{"use": "official", "text": "Al Gone", "period": {"end": "2020-01-01"}}, {"text": "Al Now"}], "Al Now"),
    ],
)
def test_the_name_is_that_of_today(names: list[Json], name: str) -> None:
    assert enrolled(name=names).name == name


def test_nobody_is_enrolled_by_an_old_name_alone() -> None:
    _, tally = mapped(fhir.patient(name=[{"use": "old", "text": "Al Old"}, {"use": "maiden", "text": "Al Maiden"}]))
    assert tally.not_understood == {("Patient", "name-missing"): 1}


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        ([{"use": "old", "city": "Oldtown"}, {"use": "home", "city": "Newtown"}], "Newtown"),
        ([{"use": "billing", "city": "Payton"}, {"use": "work", "city": "Workton"}], "Workton"),
        ([{"use": "work", "city": "Workton"}, {"use": "home", "city": "Newtown"}], "Newtown"),
        ([{"city": "Gone", "period": {"end": "2020-01-01"}}, {"text": "Somewhere"}], "Somewhere"),
        ([{"use": "old", "city": "Oldtown"}], ""),
    ],
)
def test_the_address_is_that_of_today(addresses: list[Json], address: str) -> None:
    assert enrolled(address=addresses).location.address == address


def test_an_emergency_contact_of_the_past_is_none() -> None:
    contact = {"name": {"text": "Rosa"}, "telecom": [phone("1")]}
    assert enrolled(contact=[contact]).emergency_contact.name == "Rosa"
    assert not enrolled(contact=[contact | {"period": {"end": "2020-01-01"}}]).HasField("emergency_contact")
    assert not enrolled(contact=[contact | {"telecom": [phone("1", use="old")]}]).HasField("emergency_contact")


PREGNANT, NOT_PREGNANT, POSSIBLE = (fhir.concept(fhir.SNOMED, code) for code in ("77386006", "60001007", "146799005"))


def pregnancy(value: Json, at: str = "2026-11-20", **changes: Any) -> Json:
    observation = fhir.total("82810-3", effectiveDateTime=at, valueCodeableConcept=value, **changes)
    observation.pop("valueQuantity")
    return observation


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (PREGNANT, "pregnant"),
        (fhir.concept(fhir.LOINC, "LA15173-0"), "pregnant"),
        (NOT_PREGNANT, "not-pregnant"),
        (fhir.concept(fhir.LOINC, "LA26683-5"), "not-pregnant"),
        (POSSIBLE, "possible"),
        (fhir.concept(fhir.LOINC, "LA4489-6"), "unknown"),
    ],
)
def test_a_pregnancy_is_known_to_the_check(value: Json, status: str) -> None:
    recorded = requests(pregnancy(value))["RecordPregnancy"]
    assert (recorded.status, recorded.source) == (status, "ehr-import")
    assert recorded.occurred_at.ToDatetime().isoformat() == "2026-11-20T00:00:00"


def test_of_several_answers_the_last_is_recorded() -> None:
    answers = [pregnancy(NOT_PREGNANT, "2026-11-01"), pregnancy(PREGNANT), pregnancy(POSSIBLE, "2026-11-10")]
    assert requests(*answers)["RecordPregnancy"].status == "pregnant"


@pytest.mark.parametrize(
    ("value", "at", "why"),
    [
        (PREGNANT, "2026-01-27", None),
        (PREGNANT, "2026-01-26", "too-long-ago"),
        (NOT_PREGNANT, "2026-10-26", None),
        (NOT_PREGNANT, "2026-10-25", "too-long-ago"),
    ],
)
def test_an_answer_of_long_ago_says_nothing_of_today(value: Json, at: str, why: str | None) -> None:
    assert reasons(pregnancy(value, at))[0] == ([why] if why else [])


def test_an_answer_that_is_not_known_or_not_final_is_none() -> None:
    assert reasons(pregnancy({"text": "maybe"})) == ([], ["answer-code-unknown"])
    assert reasons(pregnancy(PREGNANT, status="entered-in-error")) == (["status-entered-in-error"], [])
    assert reasons(pregnancy(PREGNANT, "2026-12-01")) == ([], ["in-the-future"])


def test_smoking_and_genotypes_are_counted_until_there_is_a_fact_for_them() -> None:
    smoking, genotype = (fhir.total(code, value=None) for code in ("72166-2", "84413-4"))
    _, tally = mapped(fhir.patient(), smoking, genotype)
    assert tally.waiting == {"smoking": 1, "genotypes": 1}
    assert {why for _, why in tally.not_used} == {"smoking-not-recorded-yet", "genotypes-not-recorded-yet"}
