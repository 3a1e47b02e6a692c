"""What an alert tells: everything that it involves, in words that name it, read by the pack that is asked."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from careloop.knowledge.chart import (
    AllergyType,
    Chart,
    Condition,
    Genotype,
    Lab,
    Medication,
    OrderedMedicine,
    StoppedFor,
    SuicideRisk,
    Trial,
)
from careloop.knowledge.findings import Alert, Check, Severity
from careloop.knowledge.pack.pack import load
from careloop.knowledge.screening.explaining import explain
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import (
    KNOWN,
    TODAY,
    alerts,
    allergic,
    data_with,
    diagnosed,
    ended,
    of,
    order,
    released,
    takes,
    taking,
    tried,
)

FAILED = Trial(name="Prozac", weeks=Decimal(8), daily_dose_mg=Decimal(40), stopped_for=StoppedFor.INEFFICACY)
OLD, YOUNG = date(1960, 1, 1), date(2006, 1, 1)
POSITIVE = (Genotype(gene="HLA-B*15:02", phenotype="positive"),)
WHITE = (Lab(loinc="751-8", value=Decimal(1200), unit="/uL", at=TODAY),)

SMOKE_STOPPED = (
    "clozapine after tobacco smoke stopped: "
    "without smoke CYP1A2 falls within a week and clozapine climbs by half or more."
)

ALERTS: list[tuple[OrderedMedicine, Chart, Check, list[tuple[tuple[str, ...], str]]]] = [
    (
        order("escitalopram"), allergic("Celexa"), Check.ALLERGY,
        [(("escitalopram", "citalopram"), "escitalopram: allergy to citalopram is on record.")],
    ),
    (
        order("lamotrigine"), allergic("carbamazepine"), Check.ALLERGY,
        [(
            ("lamotrigine", "carbamazepine"),
            "lamotrigine sometimes cross-reacts with carbamazepine, to which an allergy is on record.",
        )],
    ),
    (
        order("amoxicillin"), allergic("penicillin"), Check.ALLERGY,
        [(("amoxicillin", "penicillins"), "amoxicillin: allergy to penicillins is on record.")],
    ),
    (
        order("amoxicillin"), allergic("cephalosporins"), Check.ALLERGY,
        [(
            ("amoxicillin", "cephalosporins"),
            "amoxicillin sometimes cross-reacts with cephalosporins, to which an allergy is on record.",
        )],
    ),
    (
        order("oxcarbazepine"), allergic("carbamazepine", type_=AllergyType.INTOLERANCE), Check.ALLERGY,
        [(
            ("oxcarbazepine", "carbamazepine"),
            "oxcarbazepine is close to carbamazepine, which was not tolerated before.",
        )],
    ),
    (
        order("ziprasidone"), taking("haloperidol", "methadone"), Check.DRUG_DRUG,
        [
            (("ziprasidone", other), f"ziprasidone with {other}: added QT prolongation; torsade de pointes.")
            for other in ("haloperidol", "methadone")
        ] + [
            (
                ("ziprasidone", "haloperidol", "methadone"),
                "ziprasidone, haloperidol, methadone: three or more drugs that prolong QT at once.",
            ),
        ],
    ),
    (
        order("clozapine"), ended("tobacco smoke", 3), Check.DRUG_DRUG,
        [(("clozapine", "tobacco smoke"), SMOKE_STOPPED)],
    ),
    (
        order("sertraline"), ended("phenelzine", 3), Check.WASHOUT,
        [(
            ("sertraline", "phenelzine"),
            "sertraline within 14 days of phenelzine: the enzyme takes two weeks to be made again; serotonin syndrome.",
        )],
    ),
    (
        order("sertraline"), taking("citalopram", "Zoloft"), Check.DUPLICATE_THERAPY,
        [
            (("sertraline",), "sertraline with sertraline: the same medicine twice."),
            (("sertraline", "citalopram"), "sertraline with citalopram: two serotonin reuptake inhibitors."),
        ],
    ),
    (
        order("bupropion"), diagnosed(Condition(text="seizure disorder"), Condition(icd10="F50.2")),
        Check.DRUG_CONDITION,
        [
            (
                ("bupropion", "eating-disorder"),
                "bupropion causes seizures more often in bulimia and anorexia nervosa.",
            ),
            (
                ("bupropion", "seizure-disorder"),
                "bupropion lowers the seizure threshold, and a seizure disorder is on record.",
            ),
        ],
    ),
    (
        order("carbamazepine"), of(genotypes=(Genotype(gene="hla-b * 15:02", phenotype="Positive (one copy)"),)),
        Check.DRUG_CONDITION,
        [(
            ("carbamazepine", "HLA-B*1502"),
            "carbamazepine with HLA-B*15:02: Stevens-Johnson syndrome and toxic epidermal necrolysis.",
        )],
    ),
    (
        order("carbamazepine"), of(genotypes=POSITIVE), Check.DRUG_CONDITION,
        [(
            ("carbamazepine", "HLA-B*1502"),
            "carbamazepine with HLA-B*15:02: Stevens-Johnson syndrome and toxic epidermal necrolysis.",
        )],
    ),
    (
        order("sertraline", 201), KNOWN, Check.DOSE,
        [(("sertraline",), "sertraline 201 mg a day is above the maximum of 200 mg.")],
    ),
    (
        order("valproate", 4201), KNOWN, Check.DOSE,
        [(("valproate",), "valproate 4201 mg a day is above the maximum of 4200 mg.")],
    ),
    (
        order("citalopram", "20.50"), taking("omeprazole"), Check.DOSE,
        [(
            ("citalopram", "omeprazole"),
            "citalopram 20.5 mg a day is above 20 mg, the maximum with omeprazole (CYP2C19 inhibition, QT).",
        )],
    ),
    (
        order("omeprazole"), takes("citalopram", 30), Check.DOSE,
        [(
            ("citalopram", "omeprazole"),
            "citalopram 30 mg a day is above 20 mg, the maximum with omeprazole (CYP2C19 inhibition, QT).",
        )],
    ),
    (
        order("citalopram", 21), of(birth_date=OLD), Check.DOSE,
        [(("citalopram",), "citalopram 21 mg a day is above 20 mg, the maximum over age 60.")],
    ),
    (
        order("lamotrigine", 50, taken_since=TODAY - timedelta(days=13)), KNOWN, Check.DOSE,
        [(
            ("lamotrigine",),
            "lamotrigine 50 mg a day is above 25 mg, the step of the titration on that day: severe rash.",
        )],
    ),
    (
        order("sertraline"), of(birth_date=YOUNG), Check.AGE,
        [(
            ("sertraline",),
            "sertraline at 24 or younger: suicidal thoughts rise in the first one to two months (boxed warning).",
        )],
    ),
    (
        order("valproate"), KNOWN, Check.PREGNANCY,
        [(("valproate",), "valproate in someone who may become pregnant: neural tube defects and lower IQ.")],
    ),
    (
        order("clozapine"), of(labs=WHITE), Check.LAB,
        [(("clozapine",), "clozapine would start with neutrophils under 1500/uL.")],
    ),
    (
        order("Symbyax"), tried(Trial(name="Symbyax", stopped_for=StoppedFor.ALLERGY)), Check.PRIOR_TRIAL,
        [
            (("fluoxetine",), "fluoxetine was stopped before for an allergic reaction."),
            (("olanzapine",), "olanzapine was stopped before for an allergic reaction."),
        ],
    ),
    (
        order("fluoxetine"), tried(replace(FAILED, name=None, rxcui="4493")), Check.PRIOR_TRIAL,
        [(("fluoxetine",), "fluoxetine was tried at an adequate dose for an adequate time and did not help.")],
    ),
    (
        order("fluoxetine"), tried(FAILED), Check.PRIOR_TRIAL,
        [(("fluoxetine",), "fluoxetine was tried at an adequate dose for an adequate time and did not help.")],
    ),
    (
        order("lithium", days_supply=15), of(suicide_risk=SuicideRisk.HIGH), Check.SUPPLY,
        [(
            ("lithium",),
            "lithium for 15 days at a suicide risk of moderate or higher: dangerous in overdose.",
        )],
    ),
    (
        order("methylphenidate", days_supply=None), KNOWN, Check.CONTROLLED_SUBSTANCE,
        [(("methylphenidate",), "methylphenidate is a controlled substance.")],
    ),
    (
        order("methylphenidate", days_supply=91), KNOWN, Check.CONTROLLED_SUBSTANCE,
        [
            (("methylphenidate",), "methylphenidate is in schedule II, and 91 days is more than 90."),
            (("methylphenidate",), "methylphenidate is a controlled substance."),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "chart", "kind", "told"), ALERTS)
def test_an_alert_names_everything_it_involves(
    asked: OrderedMedicine, chart: Chart, kind: Check, told: list[tuple[tuple[str, ...], str]]
) -> None:
    found = alerts(screen(chart, asked, TODAY), kind)
    assert [(alert.involves, alert.message) for alert in found] == told


def test_an_alert_stands_with_its_rule_and_source() -> None:
    (told,) = alerts(screen(taking("phenelzine"), order("sertraline"), TODAY), Check.DRUG_DRUG)
    assert told == Alert(
        rule="ddi.maoi-serotonergic",
        version=1,
        kind=Check.DRUG_DRUG,
        severity=Severity.CONTRAINDICATED,
        involves=("sertraline", "phenelzine"),
        message=(
            "sertraline with phenelzine: serotonin rises without its main route of clearance; "
            "fatal serotonin syndrome has occurred."
        ),
        action="Do not combine; keep the washout interval in either direction.",
        source="ONC high-priority interaction 4, Phansalkar 2012 (JAMIA 19:735) [V]",
        reviewed=False,
    )


def test_an_alert_about_a_supply_asks_for_at_most_the_limit() -> None:
    (told,) = alerts(screen(of(suicide_risk=SuicideRisk.HIGH), order("lithium", days_supply=15), TODAY), Check.SUPPLY)
    assert told.action == "At most 14 days at a time; dispense weekly."


def test_every_name_is_read_by_the_pack_that_is_asked() -> None:
    pack = load(data_with("drugs.yaml", "also: [Zoloft", "also: [Serlift, Zoloft"))
    trial = Trial(name="Serlift", stopped_for=StoppedFor.INTOLERANCE)
    chart = replace(allergic("Serlift"), medications=(Medication(name="Serlift"),), trials=(trial,))
    found = screen(chart, order("Serlift"), TODAY, pack)
    assert [alert.rule for alert in found.alerts] == [
        "allergy.substance", "duplicate.ingredient", "trial.not-tolerated",
    ]  # fmt: skip
    assert found.not_checked == ()
    for alert in found.alerts:
        told = explain(alert, chart, order("Serlift"), TODAY, pack)
        assert told.evidence[0] == "sertraline: ordered, 1 mg a day, from 2026-11-23"
        assert told.evidence[1:2] == ("sertraline: dose not told, still taken",)
        assert len(told.evidence) > 2 or alert.kind is Check.DUPLICATE_THERAPY


def test_a_result_that_no_measure_names_is_told_by_its_code() -> None:
    content = released("1.2.0")
    pack = load({**content, "measures.yaml": content["measures.yaml"].replace(b'"751-8"', b'"26499-4"')})
    found = alerts(screen(KNOWN, order("clozapine"), TODAY, pack), Check.LAB)
    assert [explain(one, KNOWN, order("clozapine"), TODAY, pack).evidence[1:] for one in found] == [
        ("no result of 751-8",)
    ]
