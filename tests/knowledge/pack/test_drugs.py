"""Which drug a name or code means."""

import pytest

from careloop.knowledge.findings import Reason
from careloop.knowledge.pack.drugs import ResolvedDrug, Unresolved, high_risk, ingredients, resolve
from careloop.knowledge.pack.pack import current_pack, load
from tests.support.knowledge import data_with


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sertraline", ("sertraline",)),
        ("SERTRALINE HCl", ("sertraline",)),
        ("  Zoloft 50mg ", ("sertraline",)),
        ("sertraline hydrochloride 50 MG Oral Tablet [Zoloft]", ("sertraline",)),
        ("24 HR venlafaxine 75 MG Extended Release Oral Capsule", ("venlafaxine",)),
        ("desvenlafaxine succinate 50 MG", ("desvenlafaxine",)),
        ("lithium carbonate 300 MG Oral Capsule", ("lithium",)),
        ("divalproex sodium 500 MG Delayed Release Oral Tablet", ("valproate",)),
        ("Acetaminophen 325 MG / Hydrocodone Bitartrate 7.5 MG Oral Tablet", ("acetaminophen", "hydrocodone")),
        ("buprenorphine/naloxone", ("buprenorphine", "naloxone")),
        ("Suboxone", ("buprenorphine", "naloxone")),
        ("amlodipine-benazepril", ("amlodipine", "benazepril")),
        ("NDA020503 200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", ("albuterol",)),
        ("St. John\u2019s wort", ("st-johns-wort",)),
        ("methylene blue 10 MG/ML Injection", ("methylene blue",)),
        ("Sulfamethoxazole 800 MG / Trimethoprim 160 MG Oral Tablet", ("sulfamethoxazole", "trimethoprim")),
    ],
)
def test_product_texts(text: str, meant: tuple[str, ...]) -> None:
    found = resolve(text)
    assert isinstance(found, ResolvedDrug)
    assert (found.ingredients, found.unrecognised) == (meant, ())


def test_every_name_brand_and_verified_code_finds_its_drug() -> None:
    for drug in current_pack().drugs.values():
        for name in (drug.name, *drug.also):
            assert ingredients(name.upper()) == (drug.name,), name
        for code in drug.codes:
            found = resolve(None, code.rxcui)
            assert isinstance(found, ResolvedDrug)
            assert found.ingredients == (drug.name,)
            assert found.by_code_alone is not code.verified


@pytest.mark.parametrize("text", ["xyzmab", "", "   ", "sodium", "50 MG Oral Tablet", None])
def test_what_names_no_ingredient_is_unknown(text: str | None) -> None:
    assert resolve(text) == Unresolved(Reason.UNKNOWN_DRUG, (text or "").strip())


def test_an_unknown_ingredient_beside_a_known_one_is_told() -> None:
    found = resolve("xyzmab 5 MG / sertraline 50 MG Oral Tablet")
    assert isinstance(found, ResolvedDrug)
    assert (found.ingredients, found.unrecognised) == (("sertraline",), ("xyzmab",))


@pytest.mark.parametrize(
    ("text", "meant", "unknown"),
    [
        ("xyz abc mab 5 MG Oral Tablet / sertraline", ("sertraline",), ("xyz abc mab",)),
        ("xyzmab / abcmab / sertraline", ("sertraline",), ("xyzmab", "abcmab")),
        ("Tablet [Zoloft]", ("sertraline",), ()),
        ("sertraline [Zoloft] [Prozac]", ("sertraline", "fluoxetine"), ()),
        ("sertraline [Foomax]", ("sertraline",), ()),
        ("Tablet [Foomax] [Zoloft]", ("sertraline",), ("foomax",)),
        ("xyzmab [Zoloft]", ("sertraline",), ("xyzmab",)),
        ("amlodipine-benazepril lithium", ("amlodipine", "benazepril", "lithium"), ()),
        ("xyz-sertraline lithium", ("sertraline", "lithium"), ("xyz",)),
        ("St. John`s wort", ("st-johns-wort",), ()),
    ],
)
def test_every_ingredient_and_every_unknown_name_is_told(
    text: str, meant: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    found = resolve(text)
    assert isinstance(found, ResolvedDrug)
    assert (found.ingredients, found.unrecognised) == (meant, unknown)


def test_a_code_of_another_drug_contradicts_the_name() -> None:
    assert resolve("sertraline", "4493") == Unresolved(Reason.CONTRADICTORY_CODE, "sertraline")


@pytest.mark.parametrize(
    ("name", "rxcui", "notes", "alone"),
    [
        ("sertraline", "36437", (), False),
        (None, "36437", (), False),
        ("sertraline", "312940", ("code-unverified",), False),
        (None, "6011", ("code-unverified",), True),
        ("Serlift", "36437", ("code-unverified",), True),
    ],
)
def test_how_far_a_code_is_trusted(name: str | None, rxcui: str, notes: tuple[str, ...], alone: bool) -> None:
    found = resolve(name, rxcui)
    assert isinstance(found, ResolvedDrug)
    assert (found.ingredients, found.subject) == (ingredients(name, rxcui), name or rxcui)
    assert (found.notes, found.by_code_alone) == (notes, alone)


def test_ingredients_are_read_by_name_code_and_pack() -> None:
    pack = load(data_with("drugs.yaml", "also: [Zoloft", "also: [Serlift, Zoloft"))
    assert (ingredients("Serlift"), ingredients("Serlift", pack=pack)) == ((), ("sertraline",))
    assert (ingredients(None, "36437"), ingredients(None, "0")) == (("sertraline",), ())


def test_an_ingredient_code_of_a_combination_agrees_with_its_name() -> None:
    assert ingredients("buprenorphine / naloxone", "1819") == ("buprenorphine", "naloxone")


@pytest.mark.parametrize(
    ("name", "risky"),
    [
        *((name, True) for name in ("phenelzine", "lithium", "clozapine", "amitriptyline", "valproate", "lamotrigine")),
        *((name, True) for name in ("carbamazepine", "oxycodone", "lorazepam", "methylphenidate", "haloperidol")),
        ("xyzmab", True),
        *((name, False) for name in ("sertraline", "metformin", "ibuprofen", "buspirone")),
    ],
)
def test_drugs_that_do_not_pass_unchecked(name: str, risky: bool) -> None:
    assert high_risk(name) is risky
