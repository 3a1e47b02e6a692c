"""What is remembered of the runs: scores by room, first and last, and the survivors, each with a person's verdict."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.mutation.changes import Change
from tests.mutation.rooms import room_of
from tests.mutation.trying import NOTICED, Tried

FILE = Path("tests/mutation/record.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of one run over a house: by room how many changes were tried, and what came of them."""

    seed: int
    possible: int
    rooms: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A change that no test noticed when it was last in question; the verdict is written by hand into the file."""

    name: str
    house: str
    room: str
    line: int
    diff: list[str]
    now: str
    verdict: str = ""


@dataclass(slots=True)
class Record:
    """The content of `tests/mutation/record.json`, of which docs/mutation-scores.md is made."""

    first: dict[str, Score] = field(default_factory=dict)
    last: dict[str, Score] = field(default_factory=dict)
    survivors: list[Survivor] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path) -> "Record":
        if not (root / FILE).exists():
            return cls()
        content = json.loads((root / FILE).read_text(encoding="utf-8"))
        return cls(
            first={house: Score(**score) for house, score in content["first"].items()},
            last={house: Score(**score) for house, score in content["last"].items()},
            survivors=[Survivor(**survivor) for survivor in content["survivors"]],
        )

    def write(self, root: Path) -> None:
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (root / FILE).write_text(text + "\n", encoding="utf-8")

    def take(self, house: str, seed: int, tried: Collection[Tried], possible: Collection[Change]) -> None:
        """The run becomes the house's last one. Verdicts stay with their changes, as long as the code has them."""
        self.last[house] = Score(seed=seed, possible=len(possible), rooms=by_room(tried))
        self.first.setdefault(house, self.last[house])
        exist = {change.name for change in possible}
        known = {one.name: one for one in self.survivors if one.house != house or one.name in exist}
        for one in tried:
            before = known.get(one.change.name)
            if one.outcome not in NOTICED:
                known[one.change.name] = _survivor(house, one, before.verdict if before else "")
            elif before is not None:
                known[before.name] = replace(before, now=one.outcome, verdict=before.verdict or "test added")
        self.survivors = sorted(known.values(), key=lambda one: (one.house, one.room, one.name))


def by_room(tried: Iterable[Tried]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for one in tried:
        counted.setdefault(room_of(one.change.file), Counter())[one.outcome] += 1
    return {room: dict(sorted(counted[room].items())) for room in sorted(counted)}


def _survivor(house: str, one: Tried, verdict: str) -> Survivor:
    return Survivor(
        name=one.change.name,
        house=house,
        room=room_of(one.change.file),
        line=one.change.line,
        diff=[line for line in one.diff.splitlines() if not line.startswith("@@")],
        now=one.outcome,
        verdict=verdict,
    )
