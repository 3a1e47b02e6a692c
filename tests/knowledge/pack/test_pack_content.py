"""What a pack holds of its data files, and in which words it refuses one."""

import pytest

from careloop.knowledge.pack.pack import PackInvalid, current_pack, load, read_data
from careloop.knowledge.pack.soundness.references import label, names_in
from careloop.knowledge.pack.text import tokens
from tests.support.knowledge import data_with

PALIPERIDONE = "dose.paliperidone-renal and dose.paliperidone-mild-renal"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "interactions.yaml", "severity: contraindicated", "severity: terrible",
            "interactions.yaml: ddi.maoi-serotonergic: Invalid enum value 'terrible' - at `$[0].severity`",
        ),
        (
            "groups.yaml", "citalopram, relation: same", "citalopram, relation: no",
            "groups.yaml: one-molecule-citalopram: Expected `str`, got `bool` - at `$[0].relation`",
        ),
        (
            "units.yaml", "factor: 1}", "factor: none}",
            "units.yaml: Invalid decimal string - at `$[0].factor`",
        ),
        (
            "interactions.yaml", "  version: 1\n", "  version: 1\n  version: 2\n",
            "interactions.yaml: a key is repeated near line 4",
        ),
        (
            "interactions.yaml", "left: [serotonergic-antidepressant", "left: [serotonergic-anything",
            "interactions.yaml: ddi.maoi-serotonergic: serotonergic-anything is neither drug nor class",
        ),
        (
            "groups.yaml", "members: [citalopram, escitalopram]", "members: [citalopram, escitalopran]",
            "groups.yaml: one-molecule-citalopram: escitalopran is neither drug nor class",
        ),
        (
            "combinations.yaml", "drugs: [olanzapine, fluoxetine]", "drugs: [olanzapine, fluoxetin]",
            "combinations.yaml: olanzapine and fluoxetine: fluoxetin is neither drug nor class",
        ),
        (
            "drug-conditions.yaml", "conditions: [seizure-disorder]", "conditions: [seizures]",
            "drug-conditions.yaml: condition.bupropion-seizure: seizures is not a condition",
        ),
        (
            "ages.yaml", "mechanism: suicidality-in-youth", "mechanism: youth",
            "ages.yaml: age.antidepressant-young: youth is not a mechanism",
        ),
        (
            "ages.yaml", "to_age: 24", "from_age: 25\n  to_age: 24",
            "ages.yaml: age.antidepressant-young: from_age is above to_age",
        ),
        (
            "ages.yaml", "effective_from: 2000-01-01", "effective_from: 2000-01-01\n  effective_to: 1999-12-31",
            "ages.yaml: age.antidepressant-young: ends before it begins",
        ),
        (
            "allergies.yaml", "id: allergy.substance-low\n  version: 1", "id: allergy.substance\n  version: 2",
            "allergies.yaml: allergy.substance: two versions are in force on 2000-01-01",
        ),
        (
            "allergies.yaml", "id: allergy.substance-low", "id: allergy.substance",
            "allergies.yaml: allergy.substance: version given more than once: 1",
        ),
        (
            "allergies.yaml",
            "  effective_from: 2000-01-01\n\n- id: allergy.substance-low\n  version: 1",
            "  effective_from: 2000-01-01\n  effective_to: 2000-01-01\n\n- id: allergy.substance\n  version: 2",
            "allergies.yaml: allergy.substance: two versions are in force on 2000-01-01",
        ),
        (
            "doses.yaml", "when: {egfr_from: 50, egfr_below: 80,", "when: {egfr_from: 49, egfr_below: 80,",
            f"doses.yaml: {PALIPERIDONE} overlap for paliperidone at a rate of 49",
        ),
        ("drugs.yaml", "name: fluoxetine,", "name: sertraline,", "drug or class given more than once: sertraline"),
        ("drugs.yaml", 'rxcui: "4493"', 'rxcui: "36437"', "drugs.yaml: code given more than once: 36437"),
        (
            "groups.yaml", "name: statins", "name: azoles", "groups.yaml: name given more than once: azoles",
        ),
        ("drugs.yaml", "classes: [ssri]", "classes: [sri]", "sri is neither drug nor class, or includes itself"),
        ("drugs.yaml", "also: [Zoloft", "also: [Prozac", "Prozac means two things"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_file_the_entry_and_the_fault(name: str, old: str, new: str, said: str) -> None:
    with pytest.raises(PackInvalid) as refused:
        load(data_with(name, old, new))
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"{unit: kg}", "units.yaml: Expected `array`, got `object`"),
        (b"- kg", "units.yaml: Expected `object`, got `str` - at `$[0]`"),
        (b"- {unit: [kg", "units.yaml: while parsing a flow sequence"),
    ],
)
def test_a_file_that_holds_no_entries_is_refused(written: bytes, said: str) -> None:
    with pytest.raises(PackInvalid) as refused:
        load({**read_data(), "units.yaml": written})
    assert str(refused.value).split("\n")[0] == said


@pytest.mark.parametrize(("old", "new"), [("to_age: 24", "from_age: 24\n  to_age: 24"), ("to_age: 24", "to_age: 0")])
def test_a_range_of_one_year_holds_something(old: str, new: str) -> None:
    assert load(data_with("ages.yaml", old, new)).ages


def test_a_rule_may_end_on_the_day_it_begins_and_another_version_follow_the_day_after() -> None:
    begins = "effective_from: 2000-01-01"
    one_day = data_with("allergies.yaml", begins, f"{begins}\n  effective_to: 2000-01-01")["allergies.yaml"].decode()
    first, second, *others = one_day.split("\n\n- id: ")[1:]
    second = second.replace("allergy.substance-low\n  version: 1", "allergy.substance\n  version: 2")
    followed = second.replace(begins, "effective_from: 2000-01-02")
    written = "- id: " + "\n\n- id: ".join([first, followed, *others])
    rules = load({**read_data(), "allergies.yaml": written.encode()}).allergies
    assert [(rule.id, rule.version) for rule in rules][:2] == [("allergy.substance", 1), ("allergy.substance", 2)]


def test_a_pack_holds_every_name_and_code_of_its_drugs_and_products() -> None:
    pack = load(read_data())
    for drug in pack.drugs.values():
        assert {pack.lexicon[tokens(name)] for name in (drug.name, *drug.also)} == {(drug.name,)}
        assert {pack.codes[code.rxcui] for code in drug.codes} == {((drug.name,), code.verified) for code in drug.codes}
        assert all(pack.among(drug.name, (listed,)) for listed in (drug.name, *drug.classes))
    for product in pack.combinations:
        assert {pack.lexicon[tokens(name)] for name in (product.name, *product.also)} == {product.drugs}
        assert all(pack.codes[code.rxcui] == (product.drugs, code.verified) for code in product.codes)
    assert pack.reference == current_pack().reference
    assert pack.longest_name == max(len(words) for words in pack.lexicon)
    assert pack.routes["injection"] == "injection"
    assert "tablet" in pack.product_words


def test_a_file_of_one_entry_holds_no_second_one() -> None:
    content = read_data()
    for name in ("pack.yaml", "same-ingredient.yaml"):
        with pytest.raises(PackInvalid) as refused:
            load({**content, name: content[name] + content[name]})
        assert str(refused.value) == f"{name} holds exactly one entry"


def test_files_that_no_kind_claims_are_named() -> None:
    with pytest.raises(PackInvalid) as refused:
        load({**read_data(), "wishes.yaml": b"[]", "hopes.yaml": b"[]"})
    assert str(refused.value) == "no kind of entry claims hopes.yaml, wishes.yaml"


def test_an_entry_is_called_by_its_id_or_name_or_else_by_its_kind() -> None:
    pack = current_pack()
    assert [label(entry) for entry in (pack.same_ingredient, pack.drugs["sertraline"], pack.units[0])] == [
        "duplicate.ingredient", "sertraline", "UnitOf",
    ]  # fmt: skip


def test_a_rule_speaks_of_its_drugs_at_any_depth_and_not_of_its_exceptions() -> None:
    pack = current_pack()
    excepting = [rule for rule in pack.rules() if getattr(rule, "drugs_except", ()) and names_in(rule)]
    assert excepting
    for rule in excepting:
        assert names_in(rule).isdisjoint(getattr(rule, "drugs_except", ()))
        assert names_in(rule) >= set(getattr(rule, "drugs", ()))
    (load_rule, *_) = pack.loads
    assert names_in(load_rule) == {name for weight in load_rule.weights for name in weight.drugs}
    assert names_in("sertraline") == frozenset()
