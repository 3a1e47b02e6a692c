"""How many of the changes that `make mutants` made to the clinical rules' code a test noticed, module by module.

With --sample N: the names of N changes drawn by lot, for `make mutants MUTANTS="..."`, where all would take hours.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("mutants/careloop/knowledge")
SURVIVED, NOT_REACHED, NOT_RUN = 0, 33, None
"""Exit codes as mutmut keeps them: the tests passed; no test reaches the code; the change was not tried."""


def scores(root: Path) -> Iterator[tuple[str, Counter[int | None]]]:
    """Modules with at least one change that was tried."""
    for file in sorted(root.rglob("*.meta")):
        codes = Counter(json.loads(file.read_text())["exit_code_by_key"].values())
        if set(codes) - {NOT_RUN}:
            yield str(file.relative_to(root)).removesuffix(".py.meta"), codes


def row(name: str, codes: Counter[int | None]) -> str:
    tried = codes.total() - codes[NOT_RUN]
    missed = codes[SURVIVED] + codes[NOT_REACHED]
    return f"| {name} | {codes.total()} | {tried} | {tried - missed} | {(tried - missed) / tried:.1%} |"


def drawn(root: Path, count: int, seed: int) -> list[str]:
    """The same for the same code, count and seed."""
    names = [name for file in sorted(root.rglob("*.meta")) for name in json.loads(file.read_text())["exit_code_by_key"]]
    return random.Random(seed).sample(names, min(count, len(names)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="draw N changes instead of telling the score")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    if said.sample:
        print(" ".join(drawn(ROOT, said.sample, said.seed)))  # noqa: T201
        return
    found = dict(scores(ROOT))
    print("| module | changes | tried | noticed | score |\n|---|---|---|---|---|")  # noqa: T201 - this is what it is for
    for name, codes in found.items():
        print(row(name, codes))  # noqa: T201
    if found:
        print(row("all", sum(found.values(), Counter())))  # noqa: T201


if __name__ == "__main__":
    main()
