"""Change the code in small ways, one at a time, and see whether a test notices each.

Changes are those of mutmut's operators, drawn by lot. They are tried in a copy of the tree, so that nothing is left
changed however a run ends; the same command goes on where it was. Scores and survivors go into docs/mutation-scores.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.mutation import page
from tests.mutation.record import Record, Score, by_room
from tests.mutation.rooms import HOUSES
from tests.mutation.run import Asked, Run


def main() -> None:
    asked = _asked()
    if asked is None:
        return
    run = Run(asked, Path.cwd())
    if asked.share is not None:
        run.try_all()
        return
    run.look()
    if asked.workers == 1:
        run.try_all()
    else:
        _share_out(asked.workers)
    if asked.only:
        score = Score(seed=asked.seed, possible=len(run.possible), rooms=by_room(run.tried()))
        print(page.table(score, score))  # noqa: T201
    else:
        _remember(run, asked)


def _share_out(workers: int) -> None:
    command = (sys.executable, "-m", "tests.mutation", *sys.argv[1:], "--share")
    shares = [subprocess.Popen((*command, str(number))) for number in range(workers)]
    ended = [share.wait() for share in shares]
    if any(ended):
        sys.exit(1)


def _remember(run: Run, asked: Asked) -> None:
    root = Path.cwd()
    record = Record.read(root)
    record.take(asked.house.name, asked.seed, run.tried(), run.possible)
    record.write(root)
    (root / page.FILE).write_text(page.page(record), encoding="utf-8")
    print(page.table(record.first[asked.house.name], record.last[asked.house.name]))  # noqa: T201


def _asked() -> Asked | None:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--room", choices=sorted(HOUSES), help="the part of the code (ROOM=)")
    parser.add_argument("--sample", type=int, default=100, help="how many changes are drawn (SAMPLE=, 100)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (SEED=, 1)")
    parser.add_argument("--workers", type=int, default=1, choices=(1, 2), help="processes that try them (WORKERS=, 1)")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds of tests for one change (BUDGET=, 30)")
    parser.add_argument("--keep", action="store_true", help="try only what was not noticed the last time (KEEP=1)")
    parser.add_argument("--survivors", type=Path, help="a file to which each survivor is added when found (SURVIVORS=)")
    parser.add_argument("--only", default="", help="only rooms whose name begins so; the page stays as it is (ONLY=)")
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    said = vars(parser.parse_args())
    room = said.pop("room")
    if room is None:
        parser.print_help()
        return None
    return Asked(house=HOUSES[room], **said)


if __name__ == "__main__":
    main()
