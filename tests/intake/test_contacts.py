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


def said(code: str, value: Json | None, at: str = "2026-11-20", **changes: Any) -> Json:
    observation = fhir.total(code, effectiveDateTime=at, valueCodeableConcept=value, **changes)
    observation.pop("valueQuantity")
    return observation


@pytest.mark.parametrize(
    ("system", "code", "status"),
    [
        (fhir.SNOMED, "449868002", "current"),
        (fhir.SNOMED, "428041000124106", "current"),
        (fhir.LOINC, "LA18976-3", "current"),
        (fhir.SNOMED, "8517006", "former"),
        (fhir.LOINC, "LA15920-4", "former"),
        (fhir.SNOMED, "266919005", "never"),
        (fhir.LOINC, "LA18978-9", "never"),
        (fhir.SNOMED, "266927001", "unknown"),
        (fhir.LOINC, "LA18979-7", "unknown"),
    ],
)
def test_smoking_is_known_to_the_check(system: str, code: str, status: str) -> None:
    answers = [said("72166-2", fhir.concept(fhir.SNOMED, "8517006"), "2020-01-01")]
    recorded = requests(*answers, said("72166-2", fhir.concept(system, code)))["RecordSmoking"]
    assert (recorded.status, recorded.stopped_on, recorded.source) == (status, "", "ehr-import")
    assert recorded.occurred_at.ToDatetime().isoformat() == "2026-11-20T00:00:00"


def test_an_answer_about_smoking_that_is_not_known_is_none() -> None:
    assert reasons(said("72166-2", {"text": "now and then"})) == ([], ["answer-code-unknown"])


def of_gene(gene: str, found: Json | None, **changes: Any) -> Json:
    component = [{"code": fhir.concept(fhir.LOINC, "48018-6"), "valueCodeableConcept": {"text": gene}}] if gene else []
    return said("53040-2", found, component=component, **changes)


def test_genotypes_are_recorded_in_the_words_of_the_laboratory() -> None:
    poor, allele = of_gene("CYP2D6", {"text": "Poor Metabolizer"}), of_gene("HLA-B", {"text": "*15:02 positive"})
    recorded = requests(allele, poor)["RecordGenotypes"]
    assert [(one.gene, one.phenotype) for one in recorded.genotypes] == [
        ("CYP2D6", "Poor Metabolizer"),
        ("HLA-B", "*15:02 positive"),
    ]
    assert not recorded.none_known


def test_genotypes_of_two_days_are_two_facts() -> None:
    days = [of_gene("CYP2D6", {"text": "Poor Metabolizer"}, at=f"2026-11-{day}") for day in (10, 20)]
    ((facts,), _) = mapped(fhir.patient(), *days)
    assert [type(one).__name__ for one in facts.requests].count("RecordGenotypesRequest") == 2


def test_a_genotype_without_a_gene_or_a_finding_is_told() -> None:
    assert reasons(of_gene("", {"text": "Poor Metabolizer"})) == ([], ["gene-or-finding-missing"])
    assert reasons(of_gene("CYP2D6", None)) == ([], ["gene-or-finding-missing"])
