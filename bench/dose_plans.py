"""Planner beside checker over every ordered pair of psychotropics at three doses, and plans a second.

`python -m bench.dose_plans [--quick] [--json FILE]`; needs no servers. Exit code 1 when the checker finds an illegal
day in what the planner proposed.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from careloop.knowledge.pack.pack import current_pack
from tests.support.dose_plans import (
    charted,
    judged,
    psychotropics,
    start_doses,
    switch,
    takes,
    taper,
    target_dose,
    titration,
)

QUICK_STEP = 8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dose_plans", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"every {QUICK_STEP}th drug")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    said = parser.parse_args()
    drugs = psychotropics(current_pack())[:: QUICK_STEP if said.quick else 1]
    report = {"drugs": len(drugs)} | _pairs(drugs) | _alone(drugs)
    for name, value in report.items():
        print(f"{name}: {value}")
    if said.json:
        said.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if report["pairs: illegal by the checker"] else 0


def _pairs(drugs: tuple[str, ...]) -> dict[str, int]:
    pack, tally = current_pack(), Counter[str]()
    planning = checking = 0.0
    for old in drugs:
        for new in (drug for drug in drugs if drug != old):
            for dose in start_doses(pack, old):
                chart = charted(takes(old, str(dose)))
                began = time.perf_counter()
                found = switch(old, new, chart, str(target_dose(pack, new)))
                planned = time.perf_counter()
                check = judged(chart, found.segments) if found.segments else None
                if check is None:
                    tally[found.impossible[0].constraint if found.impossible else found.not_known[0].reason] += 1
                    continue
                planning, checking = planning + planned - began, checking + time.perf_counter() - planned
                tally["legal" if check.legal else "illegal" if check.legal is False else "not checked"] += 1
    proposed = tally["legal"] + tally["illegal"] + tally["not checked"]
    return {
        "pairs at three doses": sum(tally.values()),
        "pairs: legal": tally.pop("legal", 0),
        "pairs: illegal by the checker": tally.pop("illegal", 0),
        "pairs: not checked": tally.pop("not checked", 0),
        **{f"pairs: {why}": count for why, count in sorted(tally.items())},
        "switches planned a second": round(proposed / planning) if proposed else 0,
        "switches checked a second": round(proposed / checking) if proposed else 0,
    }


def _alone(drugs: tuple[str, ...]) -> dict[str, int]:
    """Tapers and titrations of one drug."""
    pack, tally = current_pack(), Counter[str]()
    for drug in drugs:
        for dose in start_doses(pack, drug):
            for kind, chart, found in (
                ("tapers", charted(takes(drug, str(dose))), taper(drug, charted(takes(drug, str(dose))))),
                ("titrations", charted(), titration(drug, str(dose), charted())),
            ):
                legal = judged(chart, found.segments).legal if found.segments else None
                why = [one.constraint for one in found.impossible] + [one.reason for one in found.not_known]
                tally[
                    f"{kind}: {why[0] if why else {True: 'legal', False: 'illegal', None: 'not checked'}[legal]}"
                ] += 1
    return dict(sorted(tally.items()))


if __name__ == "__main__":
    sys.exit(main())
