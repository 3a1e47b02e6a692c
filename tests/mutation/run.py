"""One run over a sample of a house's changes."""

from dataclasses import dataclass
from pathlib import Path

from tests.mutation.asking import Answer, Question, ask, get_ready
from tests.mutation.changes import Change, changed
from tests.mutation.drawing import all_changes, drawn
from tests.mutation.reach import Reached, look
from tests.mutation.results import Results
from tests.mutation.rooms import House, room_of
from tests.mutation.servers import Servers
from tests.mutation.tree import Tree
from tests.mutation.trying import NOTICED, Tried, try_change

WORK = Path("mutants")
"""Below the root, and not known to git: the copied tree, what tests reach, the results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    house: House
    sample: int
    seed: int
    budget: float
    keep: bool
    workers: int
    share: int | None
    survivors: Path | None
    only: str


class Run:
    """The copied tree, the sample, and what is known of it."""

    def __init__(self, asked: Asked, origin: Path) -> None:
        get_ready()
        self._asked = asked
        self._work = origin.resolve() / WORK
        self._who = "all" if asked.share is None else str(asked.share)
        self._tree = Tree.copied(origin, self._work / f"tree-{self._who}")
        self.possible = all_changes(asked.house, self._tree, self._work / "changes")
        within = [change for change in self.possible if room_of(change.file).startswith(asked.only)]
        self._sample = drawn(within, asked.sample, asked.seed)
        state = self._tree.digest("careloop", "services", "proto", "tests")
        self._texts: dict[str, dict[int, str]] = {}
        self._results = Results(self._work / "results.jsonl", state, budget=asked.budget, keep=asked.keep)

    def look(self) -> Reached:
        """What the tests reach, found out now unless it is known."""
        with Servers() as servers:
            parts = self._asked.house.parts(self._tree.root)
            return Reached([look(self._tree, part, self._work / "reach", servers) for part in parts])

    def try_all(self) -> None:
        """Try every change of the sample, or of our share of it, that code and tests as they are have no answer for."""
        reached = self.look()
        with Servers() as servers:
            for place, change in enumerate(self._sample):
                ours = self._asked.share is None or place % self._asked.workers == self._asked.share
                if ours and not self._results.knows(change):
                    tried = self._try(change, reached, servers)
                    self._results.add(change, tried)
                    self._tell(place + 1, tried)

    def tried(self) -> list[Tried]:
        """What came of the sample, by all workers; a change that makes no Python or no difference is not in it."""
        self._results.read()
        found = map(self._results.of, self._sample)
        return [tried for tried in found if tried is not None]

    def _try(self, change: Change, reached: Reached, servers: Servers) -> Tried | None:
        def asking(question: Question) -> Answer:
            named = servers.named() if reached.served.intersection(question.tests) else {}
            folder = self._work / f"run-{self._who}"
            answer = ask(self._tree.root, question, folder, environment=named)
            if answer.code is None:
                servers.stop()
            return answer

        text = self._changed(change)
        if text is None:
            return None
        return try_change(self._tree, change, text, reached, asking, budget=self._asked.budget)

    def _changed(self, change: Change) -> str | None:
        """The changed file; all that are drawn of a file are made at once, as reading it takes longest."""
        if change.file not in self._texts:
            wanted = {drawn.index for drawn in self._sample if drawn.file == change.file}
            self._texts[change.file] = dict(changed(self._tree.read(change.file), wanted))
        return self._texts[change.file].get(change.index)

    def _tell(self, place: int, tried: Tried | None) -> None:
        if tried is None:
            return
        where = f"{tried.change.file}:{tried.change.line}"
        counted = f"{tried.asked} tests" + (f" (+{tried.left_out} slow ones)" if tried.left_out else "")
        outcome = f"{tried.outcome:11} {tried.seconds:5.1f} s  {counted}"
        print(f"{place:4}/{self._asked.sample} {outcome:48} {where}", flush=True)  # noqa: T201
        if self._asked.survivors is not None and tried.outcome not in NOTICED:
            head = f"{where} [{room_of(tried.change.file)}] {tried.outcome}; {counted}; in {tried.change.function}"
            with self._asked.survivors.open("a", encoding="utf-8") as file:
                file.write(f"{head}\n{tried.diff}\n\n")
