"""Questions drawn by lot for the earlier versions of the pack, and what each version answers, as one short word."""

from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random

from careloop.knowledge.chart import (
    Allergy,
    AllergyType,
    Chart,
    Condition,
    Criticality,
    Genotype,
    Lab,
    Medication,
    OrderedMedicine,
    Patient,
    Pregnancy,
    Sex,
    StoppedFor,
    SuicideRisk,
    Trial,
    TrialResponse,
)
from careloop.knowledge.findings import Screening
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.screen import screen

DAY = date(2026, 11, 23)
PSYCHOTROPIC = 110
"""So many of the first drugs of the data file treat the mind; they are drawn as often as all others."""
RESULTS = (
    ("33914-3", "mL/min/{1.73_m2}", 120), ("98979-8", "mL/min/{1.73_m2}", 120), ("2160-0", "mg/dL", 4),
    ("751-8", "/uL", 4000), ("753-4", "10*3/uL", 4), ("14334-7", "mmol/L", 3), ("2951-2", "mmol/L", 150),
    ("2947-0", "mmol/L", 150), ("2823-3", "mmol/L", 6), ("6298-4", "mmol/L", 6), ("8636-3", "ms", 600),
    ("76635-2", "ms", 600), ("4086-5", "ug/mL", 200), ("777-3", "10*3/uL", 400), ("29463-7", "kg", 120),
    ("29463-7", "[lb_av]", 260), ("3016-3", "m[IU]/L", 6), ("33914-3", "furlong", 100), ("99999-9", "mg/dL", 9),
)  # fmt: skip
GENOTYPES = (
    ("CYP2C19", "poor"), ("CYP2D6", "Poor Metabolizer"), ("CYP2D6", "ultrarapid"), ("HLA-B*15:02", "positive"),
    ("HLA-B", "*15:02 positive"), ("HLA-B*15:02", "Present"), ("HLA-A*3101", "carrier"), ("CYP2C19", "normal"),
)  # fmt: skip
ALLERGENS = ("penicillin", "sulfa", "carbamazepine", "lamotrigine", "latex", "tartrazine", "tricyclics", "opioids")


def answer_in_short(pack: Pack, seed: int) -> str:
    """The first twelve digits of the digest over all that the pack answers to the question of this number."""
    chart, order = _question(pack, Random(seed))
    return sha256(repr(_told(screen(chart, order, DAY, pack))).encode()).hexdigest()[:12]


def _told(found: Screening) -> object:
    alerts = [
        (a.rule, a.version, str(a.kind), str(a.severity), a.involves, a.message, a.action, a.source, a.reviewed)
        for a in found.alerts
    ]
    gaps = [(str(gap.check), str(gap.reason), gap.subject) for gap in found.not_checked]
    return str(found.outcome), alerts, gaps, [str(check) for check in found.checked]


def _question(pack: Pack, lot: Random) -> tuple[Chart, OrderedMedicine]:
    names = list(pack.drugs)

    def drug() -> str:
        return lot.choice(names[:PSYCHOTROPIC] if lot.random() < 0.7 else [*names, "xyzmab", "Suboxone", "Lybalvi"])

    def day(before: int, after: int = 0) -> date:
        return DAY + timedelta(days=lot.randint(-before, after))

    def mg() -> Decimal | None:
        return lot.choice([None, *map(Decimal, ("1", "10", "25", "50", "100", "200", "600", "1800", "3600"))])

    conditions = [Condition(text=" ".join(group.words[:1])) for group in pack.conditions.values() if group.words]
    conditions += [Condition(icd10=group.icd10[0]) for group in pack.conditions.values() if group.icd10]
    drawn = (
        Lab(loinc=loinc, unit=unit, at=day(500), value=Decimal(lot.randint(0, 10 * most)) / 10)
        for loinc, unit, most in lot.sample(RESULTS, lot.randint(0, 8))
    )
    patient = Patient(
        birth_date=lot.choice([None, date(lot.randint(1932, 2018), lot.randint(1, 12), lot.randint(1, 28))]),
        sex=lot.choice([None, *Sex]),
        pregnancy=lot.choice([None, *Pregnancy]),
        weight_kg=lot.choice([None, Decimal(lot.randint(35, 140))]),
        conditions=lot.choice([None, tuple(lot.sample(conditions, lot.randint(0, 4)))]),
        allergies=lot.choice(
            [
                None,
                (),
                (
                    Allergy(
                        substance=lot.choice([*ALLERGENS, drug()]),
                        type=lot.choice([None, *AllergyType]),
                        criticality=lot.choice([None, *Criticality]),
                    ),
                ),
            ]
        ),
        no_known_allergies=lot.choice([None, False]),
        labs=lot.choice([None, tuple(drawn)]),
        genotypes=lot.choice(
            [None, tuple(Genotype(gene=gene, phenotype=found) for gene, found in lot.sample(GENOTYPES, 2))]
        ),
        suicide_risk=lot.choice([None, *SuicideRisk]),
    )
    taken = tuple(
        Medication(
            name=drug(),
            daily_dose_mg=mg(),
            started_on=lot.choice([None, day(400)]),
            stopped_on=lot.choice([None, None, day(40, 5)]),
        )
        for _ in range(lot.randint(0, 6))
    )
    trials = (
        Trial(
            name=drug(),
            daily_dose_mg=mg(),
            weeks=lot.choice([None, Decimal(lot.randint(1, 12))]),
            response=lot.choice([None, *TrialResponse]),
            stopped_for=lot.choice([None, *StoppedFor]),
        ),
    )
    chart = Chart(
        patient=patient, medications=lot.choice([None, taken, taken, taken]), trials=lot.choice([None, (), trials])
    )
    order = OrderedMedicine(
        name=drug(),
        daily_dose_mg=mg(),
        days_supply=lot.choice([None, 7, 30, 120, 200]),
        starts_on=day(3, 60),
        taken_since=lot.choice([None, None, day(300)]),
    )
    return chart, order
