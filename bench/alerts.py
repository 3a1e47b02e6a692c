"""How loud the safety check is: alerts an order by severity, orders a CPU second, and from start to the first answer.

    python -m bench.alerts [--before PACK] [--charts 200] [--json]

Drawn by lot, always the same: charts of clients of an intensive outpatient programme, one everyday order for each, and
the demo's own orders on each chart. `--before` is an earlier pack, a folder of data files or a .tar.gz of them, which
answers the same questions.
"""

import argparse
import json
import random
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from careloop.demo.orders import ANTIDEPRESSANTS
from careloop.knowledge.chart import (
    Chart,
    Condition,
    Lab,
    Medication,
    OrderedMedicine,
    Patient,
    Pregnancy,
    Sex,
    SuicideRisk,
)
from careloop.knowledge.findings import Severity, without_notes
from careloop.knowledge.pack.pack import Pack, load, read_data
from careloop.knowledge.screening.screen import screen

TODAY = date(2026, 11, 23)
EVERYDAY: tuple[tuple[str, int], ...] = (
    ("sertraline", 100), ("fluoxetine", 20), ("escitalopram", 10), ("bupropion", 300), ("venlafaxine", 150),
    ("mirtazapine", 30), ("duloxetine", 60), ("trazodone", 100), ("buspirone", 30), ("hydroxyzine", 50),
    ("prazosin", 3), ("quetiapine", 100), ("aripiprazole", 5), ("olanzapine", 10), ("lurasidone", 40), ("lithium", 600),
    ("lamotrigine", 25), ("gabapentin", 900), ("propranolol", 40), ("clonidine", 0), ("methylphenidate", 36),
    ("naltrexone", 50), ("clonazepam", 1), ("melatonin", 3),
)  # fmt: skip
TAKEN: tuple[tuple[str, int], ...] = (
    *EVERYDAY, ("lisinopril", 10), ("metformin", 1000), ("levothyroxine", 0), ("atorvastatin", 20), ("omeprazole", 20),
    ("ibuprofen", 600), ("amlodipine", 5), ("albuterol", 0), ("ethinyl estradiol", 0), ("hydrochlorothiazide", 25),
)  # fmt: skip
DIAGNOSES = ("F33.1", "F41.1", "F43.10", "F31.81", "F90.0", "F10.20", "I10", "E11.9", "G47.00", "J45.909", "E66.9")
RESULTS = (("98979-8", "85", "mL/min/{1.73_m2}"), ("2951-2", "139", "mmol/L"), ("2823-3", "4.1", "mmol/L"))
Question = tuple[Chart, OrderedMedicine]


def charts(count: int, seed: int = 7) -> Iterator[Chart]:
    """Charts of adults with one to four diagnoses, up to five medicines and some results."""
    lot = random.Random(seed)  # noqa: S311 - charts, not secrets
    for _ in range(count):
        taken = lot.sample(TAKEN, lot.choice((0, 1, 1, 2, 2, 3, 3, 4, 5)))
        yield Chart(
            patient=Patient(
                birth_date=TODAY - timedelta(days=lot.randint(18 * 366, 78 * 365)),
                sex=lot.choice((Sex.FEMALE, Sex.FEMALE, Sex.MALE)),
                pregnancy=Pregnancy.NOT_PREGNANT,
                weight_kg=Decimal(lot.randint(50, 110)),
                conditions=tuple(Condition(icd10=code) for code in lot.sample(DIAGNOSES, lot.randint(1, 4))),
                allergies=(),
                no_known_allergies=True,
                labs=tuple(
                    Lab(loinc=code, value=Decimal(value), unit=unit, at=TODAY - timedelta(days=lot.randint(1, 200)))
                    for code, value, unit in lot.sample(RESULTS, lot.randint(0, 3))
                ),
                suicide_risk=lot.choice((SuicideRisk.LOW, SuicideRisk.NONE, SuicideRisk.MODERATE)),
            ),
            medications=tuple(
                Medication(name=name, daily_dose_mg=Decimal(mg) or None, started_on=TODAY - timedelta(days=120))
                for name, mg in taken
            ),
            trials=(),
        )


def questions(count: int) -> dict[str, list[Question]]:
    """The everyday orders, one a chart, and the demo's orders on every chart."""
    drawn, lot = list(charts(count)), random.Random(11)  # noqa: S311 - likewise
    everyday = [lot.choice(EVERYDAY) for _ in drawn]
    return {
        "everyday": [(chart, _order(name, Decimal(mg))) for chart, (name, mg) in zip(drawn, everyday, strict=True)],
        "demo": [(_depressed(chart), _order(name, Decimal(mg))) for chart in drawn for name, mg in ANTIDEPRESSANTS],
    }


def _depressed(chart: Chart) -> Chart:
    """As the demo's assessment completes a record: a recurrent depression, and no suicide risk."""
    known = (*(chart.patient.conditions or ()), Condition(icd10="F33.1"))
    return replace(chart, patient=replace(chart.patient, conditions=known, suicide_risk=SuicideRisk.NONE))


def _order(name: str, mg: Decimal) -> OrderedMedicine:
    return OrderedMedicine(name=name, daily_dose_mg=mg or None, days_supply=30)


def loudness(asked: Sequence[Question], pack: Pack) -> dict[str, float]:
    """Of an order on average: alerts of each severity, and gaps that ask for something; and the share that a
    contraindicated or high one stops."""
    answers = [screen(chart, order, TODAY, pack) for chart, order in asked]
    alerts = Counter(one.severity for answer in answers for one in answer.alerts)
    gaps = sum(len(without_notes(answer.not_checked)) for answer in answers)
    stopped = sum(any(one.severity.rank <= Severity.HIGH.rank for one in answer.alerts) for answer in answers)
    return {
        **{severity.value: alerts[severity] / len(answers) for severity in Severity},
        "all alerts": sum(alerts.values()) / len(answers),
        "not checked": gaps / len(answers),
        "share stopped": stopped / len(answers),
    }


def rate(asked: Sequence[Question], pack: Pack, passes: int = 60) -> float:
    """Orders a CPU second, of the quickest of so many passes over all questions."""
    spent = []
    for _ in range(passes):
        began = time.process_time()
        for chart, order in asked:
            screen(chart, order, TODAY, pack)
        spent.append(time.process_time() - began)
    return len(asked) / min(spent)


FIRST_ANSWER = (
    "from datetime import date; from careloop.knowledge.chart import Chart, OrderedMedicine, Patient; "
    "from careloop.knowledge.screening.screen import screen; "
    "screen(Chart(patient=Patient()), OrderedMedicine(name='sertraline'), date(2026, 11, 23))"
)


def start_to_answer(times: int = 9) -> tuple[float, float]:
    """Seconds of CPU and of wall time of the quickest process that starts, reads the pack and answers one order."""
    found = []
    for _ in range(times):
        before, began = getrusage(RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([sys.executable, "-c", FIRST_ANSWER], check=True)
        after = getrusage(RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((spent, time.monotonic() - began))
    return min(cpu for cpu, _ in found), min(wall for _, wall in found)


def pack_at(path: Path) -> Pack:
    if path.is_dir():
        return load({file.name: file.read_bytes() for file in path.glob("*.yaml")})
    with tarfile.open(path) as packed:
        held = {entry.name: packed.extractfile(entry) for entry in packed if entry.name.endswith(".yaml")}
        return load({name: file.read() for name, file in held.items() if file is not None})


def main(said: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--before", type=Path, action="append", default=[], metavar="PACK")
    parser.add_argument("--charts", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(said)
    packs = [*(pack_at(path) for path in options.before), load(read_data())]
    asked = questions(options.charts)
    told: dict[str, Any] = {
        pack.title.version: {
            **{name: loudness(those, pack) for name, those in asked.items()},
            "orders a CPU second": rate(asked["everyday"], pack),
        }
        for pack in packs
    }
    told["start to answer"] = dict(zip(("CPU s", "wall s"), start_to_answer(), strict=True))
    print(json.dumps(told, indent=2) if options.json else "\n".join(_lines(told)))
    return 0


def _lines(told: dict[str, Any]) -> Iterable[str]:
    for name, figures in told.items():
        yield name
        for what, figure in figures.items():
            shown = (
                ", ".join(f"{k} {v:.2f}" for k, v in figure.items()) if isinstance(figure, dict) else f"{figure:.3g}"
            )
            yield f"  {what}: {shown}"


if __name__ == "__main__":
    sys.exit(main())
