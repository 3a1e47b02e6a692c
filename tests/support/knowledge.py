"""A patient about whom everything is known, short ways to ask the safety check about one thing, and other packs."""

import tarfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from careloop.knowledge.chart import (
    Allergy,
    AllergyType,
    Chart,
    Condition,
    Criticality,
    Medication,
    OrderedMedicine,
    Patient,
    Pregnancy,
    Sex,
    SuicideRisk,
    Trial,
)
from careloop.knowledge.findings import Alert, Check, NotChecked, Screening, Severity
from careloop.knowledge.pack.pack import read_data
from careloop.knowledge.screening.screen import screen

TODAY = date(2026, 11, 23)
PACKS = Path(__file__).parents[1] / "knowledge" / "packs"
"""The data files of every earlier version of the pack, as they left this repository."""

ADULT = Patient(
    birth_date=date(1986, 5, 1),
    sex=Sex.FEMALE,
    pregnancy=Pregnancy.NOT_PREGNANT,
    weight_kg=Decimal(70),
    conditions=(),
    allergies=(),
    no_known_allergies=True,
    labs=(),
    genotypes=(),
    suicide_risk=SuicideRisk.NONE,
)
AGREED = {"indication": Condition(text="as agreed")}
"""In words that nothing can be made of: an order with it is not asked for a diagnosis."""
KNOWN = Chart(patient=ADULT, medications=(), trials=())


def order(name: str, mg: str | int | None = 1, **told: Any) -> OrderedMedicine:
    """An order starting today, of 7 days, at a dose below every limit, for what was agreed, unless told otherwise."""
    dose = None if mg is None else Decimal(mg)
    return OrderedMedicine(
        **{"name": name, "daily_dose_mg": dose, "days_supply": 7, "starts_on": TODAY, **AGREED, **told}
    )


def taking(*names: str, chart: Chart = KNOWN) -> Chart:
    return replace(chart, medications=tuple(Medication(name=name, daily_dose_mg=Decimal(1)) for name in names))


def of(chart: Chart = KNOWN, **told: Any) -> Chart:
    """The chart with other facts about the patient."""
    return replace(chart, patient=replace(chart.patient, **told))


def takes(name: str, mg: int) -> Chart:
    """One medicine, at so many mg a day."""
    return replace(KNOWN, medications=(Medication(name=name, daily_dose_mg=Decimal(mg)),))


def ended(name: str, days: int) -> Chart:
    """The last dose so many days ago."""
    return replace(KNOWN, medications=(Medication(name=name, stopped_on=TODAY - timedelta(days=days)),))


def allergic(substance: str | None, rxcui: str | None = None, type_: AllergyType = AllergyType.ALLERGY) -> Chart:
    """Of high criticality."""
    entry = Allergy(substance=substance, rxcui=rxcui, type=type_, criticality=Criticality.HIGH)
    return of(allergies=(entry,), no_known_allergies=False)


def diagnosed(*conditions: Condition) -> Chart:
    """Conditions on record."""
    return of(conditions=conditions)


def tried(*trials: Trial) -> Chart:
    """Earlier treatments."""
    return replace(KNOWN, trials=trials)


def asked(name: str, chart: Chart = KNOWN, mg: str | int | None = 1, **told: Any) -> Screening:
    return screen(chart, order(name, mg, **told), TODAY)


def alerts(answer: Screening, kind: Check) -> list[Alert]:
    return [found for found in answer.alerts if found.kind is kind]


def severities(answer: Screening, kind: Check) -> list[Severity]:
    return [found.severity for found in alerts(answer, kind)]


def rules(answer: Screening, kind: Check) -> set[str]:
    return {found.rule for found in alerts(answer, kind)}


def reasons(answer: Screening, kind: Check) -> set[str]:
    """Why something of this check was not checked; notes are left out."""
    return {gap.reason for gap in gaps(answer) if gap.check is kind}


def gaps(answer: Screening) -> list[NotChecked]:
    """What was not checked, without the notes."""
    return [gap for gap in answer.not_checked if gap.note is not True]


def data_with(name: str, old: str, new: str) -> dict[str, bytes]:
    """The data files with one text replaced in one of them."""
    content = read_data()
    text = content[name].decode()
    assert old in text
    return {**content, name: text.replace(old, new, 1).encode()}


def released(version: str) -> dict[str, bytes]:
    """The data files of an earlier version of the pack."""
    with tarfile.open(PACKS / f"{version}.tar.gz") as packed:
        files = {file.name: packed.extractfile(file) for file in packed if file.name.endswith(".yaml")}
        return {name: file.read() for name, file in files.items() if file is not None}


def written(content: Mapping[str, bytes], folder: Path) -> Path:
    """The new folder, with these data files in it."""
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_bytes(text)
    return folder
