"""All measurements, one module after the other, then docs/benchmarks.md with its tables and plots."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.pages import write_pages
from bench.workers import ROOT

MODULES = (
    "append",
    "command",
    "grpc",
    "freshness",
    "relay",
    "projection",
    "history",
    "rebuild",
    "replay",
    "scale",
    "idle",
)
RESULTS = ROOT / "bench" / "results"
LONGEST_SECONDS = 900


def main() -> int:
    """Exit code 1 when a module failed; its row on the page says so, and the others are there all the same."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; else all")
    parser.add_argument("--quick", action="store_true", help="shorter runs and fewer sizes; writes no page")
    parser.add_argument("--page-only", action="store_true", help="only write the page, from the last results")
    said = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    began = time.monotonic()
    wanted = () if said.page_only else said.modules or MODULES
    failed = [name for name in wanted if not _measured(name, quick=said.quick)]
    for name in said.modules:
        if name not in failed:
            _measured_apart(RESULTS / f"{name}.json")
    print(f"measured in {(time.monotonic() - began) / 60:.0f} minutes", file=sys.stderr)
    if not said.quick:
        # The plots need what only `make bench` installs.
        from bench.drawing import pictures  # noqa: PLC0415

        write_pages(RESULTS, MODULES, pictures)
        print("docs/benchmarks.md is written", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measured(name: str, *, quick: bool) -> bool:
    """Run one module in a process of its own, so that none can hinder the others; leaves its report or its failure."""
    print(f"\n=== {name}", file=sys.stderr, flush=True)
    result, failure = RESULTS / f"{name}.json", RESULTS / f"{name}.failed"
    for old in (result, failure):
        old.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"bench.{name}", "--json", str(result), *(["--quick"] if quick else [])]
    reason = _run(command)
    if reason:
        failure.write_text(json.dumps({"benchmark": name, "reason": reason}), encoding="utf-8")
        print(f"{name}: {reason}", file=sys.stderr, flush=True)
    return not reason


def _measured_apart(result: Path) -> None:
    """The page says of its figures that they are not of the same run as the others."""
    report = json.loads(result.read_text(encoding="utf-8"))
    report["remarks"].append("Measured apart from the other modules, in a run of its own.")
    result.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _run(command: list[str]) -> str:
    """Why it failed; empty when it did not. Its words go on to the terminal as they come."""
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        last = ""
        deadline = time.monotonic() + LONGEST_SECONDS
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            last = line.strip() or last
            if time.monotonic() > deadline:
                process.kill()
                return f"not finished in {LONGEST_SECONDS} s"
        return "" if process.wait() == 0 else last[-300:] or f"exit code {process.returncode}"


if __name__ == "__main__":
    sys.exit(main())
