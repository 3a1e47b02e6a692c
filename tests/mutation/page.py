"""docs/mutation-scores.md, made of what is remembered of the runs."""

from collections.abc import Iterator
from pathlib import Path

from tests.mutation.record import Record, Score, Survivor
from tests.mutation.trying import Outcome

FILE = Path("docs/mutation-scores.md")
HEAD = """# Do the tests notice?

`make mutants` changes the code in small ways, one at a time (mutmut's operators: a comparison turned round, an argument
dropped, a number or a text altered), and sees whether a test fails. Changes are drawn by lot over the functions of a
part of the code; log texts, sentences of errors, annotations and `__main__.py` are not changed. Asked are the tests
that reach the changed code, without those of whole processes (`tests/system`, `tests/faults`, `tests/local`), and
without the slowest where all of them would take more than BUDGET seconds. A change that makes the tests hang counts as
noticed; one that no test reaches counts as not noticed.

```bash
make mutants ROOM=services SAMPLE=300 SEED=1      # or chassis, or knowledge
make mutants ROOM=services SAMPLE=300 BUDGET=300  # the slow tests too, about those that the quick ones did not notice
make mutants ROOM=services SAMPLE=300 KEEP=1      # after a change of tests: only those not noticed the last time
make mutants ROOM=services ONLY=prescribing/edges  # one room; writes nothing here
```

A run that is ended goes on where it was, as long as neither code nor tests change. A seed draws the same changes as far
as the code is the same. This page is made of `tests/mutation/record.json`; verdicts are written there.
Scores, and the places in the lists, are of the code and the tests as they were at the run.
"""


COLUMNS = """| room | tried | noticed | of these by a deadline | not reached | score | score at first |
|---|---|---|---|---|---|---|"""


def page(record: Record) -> str:
    """The whole page: for each part of the code its rooms, then every survivor with its verdict."""
    parts = [HEAD]
    for house, last in sorted(record.last.items()):
        parts.append(f"## {house}\n\n{_sentence(last)}\n\n{table(record.first[house], last)}\n")
        survivors = [one for one in record.survivors if one.house == house]
        if survivors:
            parts.append("\n".join(_survivors(survivors)) + "\n")
    return "\n".join(parts)


def table(first: Score, last: Score) -> str:
    """Each room's figures, those of the first recorded run beside those of the last."""
    rooms = sorted({*last.rooms, *first.rooms})
    rows = [_row(room, last.rooms.get(room, {}), first.rooms.get(room, {})) for room in rooms]
    return "\n".join([COLUMNS, *rows, _row("all", _sum(last), _sum(first))])


def _sentence(last: Score) -> str:
    tried = sum(_sum(last).values())
    return f"Drawn: {tried:,} of {last.possible:,} possible changes, seed {last.seed}."


def _row(room: str, last: dict[str, int], first: dict[str, int]) -> str:
    cells = (
        sum(last.values()),
        _noticed(last),
        last.get(Outcome.TIMED_OUT, 0),
        last.get(Outcome.NOT_REACHED, 0),
        _percent(last),
        _percent(first),
    )
    return f"| {room} | {' | '.join(map(str, cells))} |"


def _noticed(outcomes: dict[str, int]) -> int:
    return outcomes.get(Outcome.NOTICED, 0) + outcomes.get(Outcome.TIMED_OUT, 0)


def _percent(outcomes: dict[str, int]) -> str:
    tried = sum(outcomes.values())
    return f"{_noticed(outcomes) / tried:.1%} of {tried}" if tried else ""


def _sum(score: Score) -> dict[str, int]:
    total: dict[str, int] = {}
    for outcomes in score.rooms.values():
        for outcome, count in outcomes.items():
            total[outcome] = total.get(outcome, 0) + count
    return total


def _survivors(survivors: list[Survivor]) -> Iterator[str]:
    yield "| where | change | now | verdict |\n|---|---|---|---|"
    for one in survivors:
        where = f"`{one.name.rpartition(':')[0]}`"
        change = "<br>".join(f"`{_escaped(line)}`" for line in one.diff)
        yield f"| {where} | {change} | {one.now} | {_escaped(one.verdict)} |"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'")
