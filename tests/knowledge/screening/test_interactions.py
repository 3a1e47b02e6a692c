"""Drug-drug and duplicate therapy: in both directions, for every member, one finding per cause."""

from dataclasses import replace
from decimal import Decimal
from itertools import chain

import pytest

from careloop.knowledge.chart import Medication
from careloop.knowledge.findings import Check, Severity
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.screening import Form, PairRule
from tests.support.knowledge import KNOWN, alerts, asked, reasons, rules, severities, taking

PACK = current_pack()
CONTRAINDICATED, HIGH, MODERATE = Severity.CONTRAINDICATED, Severity.HIGH, Severity.MODERATE


def drugs(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(chain.from_iterable(PACK.members[name] for name in names))


def intake(drug: str, form: Form | None) -> tuple[str, Decimal]:
    """A product text and a dose in the form a rule speaks of."""
    route = {"injection": " injection", "oral": " oral tablet"}[form.routes[0]] if form and form.routes else ""
    return drug + route, (form and form.from_mg) or Decimal(1)


@pytest.mark.parametrize("rule", [*PACK.interactions, *PACK.duplicates], ids=lambda rule: rule.id)
def test_every_member_fires_in_both_directions_at_least_as_severely_as_the_rule(rule: PairRule) -> None:
    left = sorted(drugs(rule.left) - drugs(rule.left_except))
    right = sorted(drugs(rule.right) - drugs(rule.right_except))
    pairs = [(a, right[0]) for a in left] + [(left[0], b) for b in right]
    for one, other in pairs:
        if one != other:
            two = (intake(one, rule.left_at), intake(other, rule.right_at))
            for (ordered, mg), (taken, taken_mg) in (two, two[::-1]):
                chart = replace(KNOWN, medications=(Medication(name=taken, daily_dose_mg=taken_mg),))
                worst = asked(ordered, chart, str(mg)).alerts[0].severity
                assert worst.rank <= rule.severity.rank, (ordered, taken)


@pytest.mark.parametrize(
    ("one", "other", "rule", "severity"),
    [
        ("sertraline", "phenelzine", "ddi.maoi-serotonergic", CONTRAINDICATED),
        ("venlafaxine", "linezolid", "ddi.maoi-serotonergic", CONTRAINDICATED),
        ("sertraline", "methylene blue", "ddi.maoi-serotonergic", CONTRAINDICATED),
        ("amitriptyline", "tranylcypromine", "ddi.tca-maoi", CONTRAINDICATED),
        ("meperidine", "phenelzine", "ddi.opioid-maoi", CONTRAINDICATED),
        ("dextromethorphan", "selegiline", "ddi.opioid-maoi", CONTRAINDICATED),
        ("sumatriptan", "phenelzine", "ddi.triptan-maoi", CONTRAINDICATED),
        ("methylphenidate", "phenelzine", "ddi.stimulant-maoi", CONTRAINDICATED),
        ("atomoxetine", "isocarboxazid", "ddi.stimulant-maoi", CONTRAINDICATED),
        ("pseudoephedrine", "phenelzine", "ddi.stimulant-maoi", CONTRAINDICATED),
        ("tranylcypromine", "procarbazine", "ddi.tranylcypromine-procarbazine", CONTRAINDICATED),
        ("ramelteon", "fluvoxamine", "ddi.ramelteon-cyp1a2", CONTRAINDICATED),
        ("tizanidine", "ciprofloxacin", "ddi.tizanidine-cyp1a2", CONTRAINDICATED),
        ("haloperidol", "methadone", "ddi.qt-qt", HIGH),
        ("lithium", "hydrochlorothiazide", "ddi.lithium-thiazide", HIGH),
        ("lithium", "lisinopril", "ddi.lithium-raas", HIGH),
        ("lithium", "losartan", "ddi.lithium-raas", HIGH),
        ("lithium", "ibuprofen", "ddi.lithium-nsaid", HIGH),
        ("alprazolam", "oxycodone", "ddi.benzodiazepine-opioid", HIGH),
        ("sertraline", "sumatriptan", "ddi.serotonergic-serotonergic", MODERATE),
        ("sertraline", "tramadol", "ddi.serotonergic-serotonergic", MODERATE),
    ],
)
def test_named_pairs_both_ways(one: str, other: str, rule: str, severity: Severity) -> None:
    for ordered, taken in ((one, other), (other, one)):
        found = [told for told in asked(ordered, taking(taken)).alerts if told.rule == rule]
        assert [(told.severity, told.involves) for told in found] == [(severity, (ordered, taken))]


@pytest.mark.parametrize("taken", ["aspirin", "sulindac", "acetaminophen"])
def test_lithium_is_not_warned_of_what_leaves_its_level_alone(taken: str) -> None:
    assert rules(asked("lithium", taking(taken)), Check.DRUG_DRUG) == set()


def test_a_contraindicated_pair_is_not_repeated_as_moderate() -> None:
    assert severities(asked("sertraline", taking("phenelzine")), Check.DRUG_DRUG) == [CONTRAINDICATED]


@pytest.mark.parametrize(
    ("ordered", "taken", "rule"),
    [
        ("sertraline", "Zoloft", "duplicate.ingredient"),
        ("escitalopram", "citalopram", "duplicate.ingredient"),
        ("desvenlafaxine", "venlafaxine", "duplicate.ingredient"),
        ("sertraline", "fluoxetine", "duplicate.ssri-snri"),
        ("venlafaxine", "paroxetine", "duplicate.ssri-snri"),
    ],
)
def test_the_same_twice_is_one_high_finding(ordered: str, taken: str, rule: str) -> None:
    answer = asked(ordered, taking(taken))
    assert [(told.rule, told.severity) for told in alerts(answer, Check.DUPLICATE_THERAPY)] == [(rule, HIGH)]
    assert alerts(answer, Check.DRUG_DRUG) == []


def test_an_unknown_medication_is_told_and_hides_nothing_of_the_others() -> None:
    answer = asked("sertraline", taking("xyzmab", "phenelzine"))
    assert severities(answer, Check.DRUG_DRUG) == [CONTRAINDICATED]
    assert reasons(answer, Check.DRUG_DRUG) == {"unknown-drug"}
    assert Check.DRUG_DRUG in answer.checked


ORAL, PATCH = "selegiline oral tablet", "selegiline transdermal patch"
OPEN = {"dose-or-route-missing"}


@pytest.mark.parametrize(
    ("one", "mg", "other", "found", "told"),
    [
        (ORAL, "10", "sertraline", {"ddi.selegiline-oral-serotonergic"}, set()),
        (ORAL, "10.01", "sertraline", {"ddi.maoi-serotonergic"}, set()),
        (ORAL, None, "sertraline", {"ddi.maoi-serotonergic"}, OPEN),
        (PATCH, "6", "sertraline", {"ddi.maoi-serotonergic"}, set()),
        ("selegiline", "10", "sertraline", {"ddi.maoi-serotonergic"}, OPEN),
        ("selegiline", "11", "sertraline", {"ddi.maoi-serotonergic"}, set()),
        ("selegiline", None, "sertraline", {"ddi.maoi-serotonergic"}, OPEN),
        ("topiramate", "199.99", "ethinyl estradiol", set(), set()),
        ("topiramate", "200", "ethinyl estradiol", {"ddi.contraceptive-topiramate"}, set()),
        ("topiramate", None, "ethinyl estradiol", set(), OPEN),
        ("Qsymia", "200", "ethinyl estradiol", set(), OPEN),
        ("olanzapine injection", "10", "lorazepam", {"ddi.olanzapine-injection-benzodiazepine"}, set()),
        ("olanzapine oral tablet", "10", "lorazepam", set(), set()),
        ("olanzapine", "10", "lorazepam", set(), OPEN),
    ],
)
def test_a_rule_about_one_form_speaks_of_that_form_alone(
    one: str, mg: str | None, other: str, found: set[str], told: set[str]
) -> None:
    dose = None if mg is None else Decimal(mg)
    taken = replace(KNOWN, medications=(Medication(name=one, daily_dose_mg=dose),))
    for answer in (asked(other, taken), asked(one, taking(other), mg)):
        pairs = {rule for rule in rules(answer, Check.DRUG_DRUG) if rule.startswith("ddi.")}
        assert (pairs, reasons(answer, Check.DRUG_DRUG)) == (found, told)
