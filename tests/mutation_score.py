"""How many of the changes that `make mutants` made to the clinical rules' code a test noticed, module by module."""

import json
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


def main() -> None:
    found = dict(scores(ROOT))
    print("| module | changes | tried | noticed | score |\n|---|---|---|---|---|")  # noqa: T201 - this is what it is for
    for name, codes in found.items():
        print(row(name, codes))  # noqa: T201
    if found:
        print(row("all", sum(found.values(), Counter())))  # noqa: T201


if __name__ == "__main__":
    main()
