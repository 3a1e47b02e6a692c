"""Allergy: by ingredient, molecule and structure; an allergy weighs more than an intolerance; not asked is not none."""

import pytest

from careloop.knowledge.chart import Allergy, AllergyType, Criticality
from careloop.knowledge.findings import Check, Screening, Severity
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.screening import Relation, SubstanceGroup
from tests.support.knowledge import asked, of, reasons, severities

PACK = current_pack()
ALLERGY, INTOLERANCE = AllergyType.ALLERGY, AllergyType.INTOLERANCE
HIGH = Criticality.HIGH


def listed(
    ordered: str, substance: str, type_: AllergyType | None = ALLERGY, criticality: Criticality | None = HIGH
) -> Screening:
    entry = Allergy(substance=substance, type=type_, criticality=criticality)
    return asked(ordered, of(allergies=(entry,), no_known_allergies=False))


@pytest.mark.parametrize(
    ("ordered", "substance", "type_", "criticality", "severity"),
    [
        ("sertraline", "sertraline", ALLERGY, HIGH, "contraindicated"),
        ("sertraline", "Zoloft", ALLERGY, Criticality.UNABLE_TO_ASSESS, "contraindicated"),
        ("sertraline", "allergy to sertraline", None, None, "contraindicated"),
        ("sertraline", "sertraline", ALLERGY, Criticality.LOW, "high"),
        ("sertraline", "sertraline", INTOLERANCE, HIGH, "moderate"),
        ("escitalopram", "citalopram", ALLERGY, HIGH, "contraindicated"),
        ("cetirizine", "hydroxyzine", ALLERGY, HIGH, "contraindicated"),
        ("oxcarbazepine", "carbamazepine", ALLERGY, HIGH, "high"),
        ("oxcarbazepine", "carbamazepine", INTOLERANCE, HIGH, "low"),
        ("lamotrigine", "carbamazepine", ALLERGY, HIGH, "moderate"),
        ("carbamazepine", "amitriptyline", ALLERGY, HIGH, "high"),
        ("cyclobenzaprine", "nortriptyline", ALLERGY, HIGH, "high"),
        ("perphenazine", "promethazine", ALLERGY, HIGH, "high"),
        ("amoxicillin", "Penicillin V", ALLERGY, HIGH, "high"),
        ("amoxicillin", "penicillin", ALLERGY, HIGH, "contraindicated"),
        ("sulfamethoxazole", "Sulfonamide (substance)", ALLERGY, HIGH, "contraindicated"),
    ],
)
def test_how_an_entry_speaks(
    ordered: str, substance: str, type_: AllergyType | None, criticality: Criticality | None, severity: str
) -> None:
    found = severities(listed(ordered, substance, type_, criticality), Check.ALLERGY)
    assert found == [Severity(severity)]


@pytest.mark.parametrize(
    ("ordered", "substance"),
    [
        ("sertraline", "carbamazepine"), ("lamotrigine", "sertraline"), ("sertraline", "Penicillin V"),
        ("amoxicillin", "ibuprofen"), ("lithium", "ibuprofen"), ("zonisamide", "amitriptyline"),
        ("buspirone", "penicillin"), ("sertraline", "opioids"),
    ],
)  # fmt: skip
def test_an_entry_says_nothing_of_an_unrelated_drug(ordered: str, substance: str) -> None:
    answer = listed(ordered, substance)
    assert (severities(answer, Check.ALLERGY), reasons(answer, Check.ALLERGY)) == ([], set())


@pytest.mark.parametrize(
    "substance", ["Mold (organism)", "Eggs (edible) (substance)", "Allergy to tree pollen (finding)"]
)
def test_what_is_no_medicine_is_understood_whatever_kind_of_concept_it_is(substance: str) -> None:
    found = listed("sertraline", substance)
    assert (found.alerts, reasons(found, Check.ALLERGY)) == ((), set())


@pytest.mark.parametrize("group", PACK.groups, ids=lambda group: group.name)
def test_every_member_of_a_group_meets_every_other(group: SubstanceGroup) -> None:
    members = sorted({drug for name in group.members for drug in PACK.members[name]})
    least = Severity.CONTRAINDICATED if group.relation is Relation.SAME else Severity.HIGH
    for ordered in members:
        for other in members:
            worst = severities(listed(ordered, other), Check.ALLERGY)[0]
            assert worst.rank <= least.rank, (ordered, other)


@pytest.mark.parametrize("substance", ["Peanut (substance)", "House dust mite", "Latex", "shellfish"])
def test_what_is_no_medicine_is_understood(substance: str) -> None:
    answer = listed("sertraline", substance)
    assert (severities(answer, Check.ALLERGY), reasons(answer, Check.ALLERGY)) == ([], set())


@pytest.mark.parametrize("substance", ["Tartrazine", "Lactose (substance)", "FD&C Yellow 5"])
def test_of_an_excipient_nobody_knows_which_product_holds_it(substance: str) -> None:
    answer = listed("sertraline", substance)
    assert (severities(answer, Check.ALLERGY), reasons(answer, Check.ALLERGY)) == ([], {"excipients-not-in-pack"})


def test_a_substance_nobody_knows_is_told() -> None:
    answer = listed("sertraline", "xyzmab")
    assert reasons(answer, Check.ALLERGY) == {"unknown-substance"}
    assert Check.ALLERGY in answer.checked


@pytest.mark.parametrize(
    ("allergies", "none_known", "done"),
    [
        (None, None, False),
        (None, False, False),
        ((), False, False),
        ((), None, True),
        ((), True, True),
        (None, True, True),
    ],
)
def test_not_asked_is_not_none(allergies: tuple[Allergy, ...] | None, none_known: bool | None, done: bool) -> None:
    answer = asked("sertraline", of(allergies=allergies, no_known_allergies=none_known))
    assert reasons(answer, Check.ALLERGY) == (set() if done else {"allergies-not-asked"})
    assert (Check.ALLERGY in answer.checked) is done
