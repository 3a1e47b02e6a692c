"""What a reader of the demo sees: about 150 lines, and everything with `--verbose`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from care.common.v1.common_pb2 import NotChecked
from care.coordination.v1.coordination_pb2 import CaseloadEntry
from rich.console import Console

from careloop.cli.commands import care
from careloop.cli.terminal.care_tables import TIMELINE_ROWS, caseload_table
from careloop.cli.terminal.intake_report import IntakeReport
from careloop.cli.terminal.program import line
from careloop.cli.terminal.tables import table
from careloop.demo.judging import verdict_table
from careloop.demo.orders import OrderOutcome
from careloop.demo.verdict import Check

FEW_ROWS = 5


class Patient(NamedTuple):
    """A patient by id and name."""

    id: UUID
    name: str


class Printing:
    """Prints to a console what happens, in brief unless everything is asked for."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose

    def step(self, title: str) -> None:
        """The title of what happens next."""
        self._console.print(f"\n== {title}", markup=False, style="bold")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def detail(self, text: str) -> None:
        """Said only to who wants to see everything."""
        if self._verbose:
            self.say(text)

    def intake(self, report: IntakeReport) -> None:
        report.show(self._console, brief=not self._verbose)

    def orders(self, names: Mapping[UUID, str], orders: Sequence[OrderOutcome]) -> None:
        """Every order; in brief those that were not simply issued, and how many were."""
        shown = [order for order in orders if self._verbose or order.outcome != "issued"]
        columns = ("patient", "ordered", "became", "because / in spite of", "not checked")
        self._console.print(table("", columns, [_order_row(names, order) for order in shown]))
        if rest := [order for order in orders if order not in shown]:
            alerted = sum(bool(order.alerts) for order in rest)
            medicines = Counter(order.medicine for order in rest)
            listed = ", ".join(f"{medicine} for {count}" for medicine, count in medicines.items())
            self.say(f"{len(rest)} more orders were issued, {alerted} of them with alerts to note: {listed} patients.")

    def caseload(self, entries: Sequence[CaseloadEntry]) -> None:
        """The patients, the most urgent first."""
        self.say("")
        shown = entries if self._verbose else entries[:FEW_ROWS]
        self._console.print(caseload_table(shown, datetime.now(UTC)))
        if len(shown) < len(entries):
            self.say(f"and {len(entries) - len(shown)} more patients")

    def view(self, shown: care.View) -> None:
        """One patient's care view."""
        self.step("The care view of one patient, as the whole team reads it")
        care.print_view(
            shown, self._console, datetime.now(UTC), timeline_rows=TIMELINE_ROWS if self._verbose else FEW_ROWS
        )

    def verdict(self, checks: Sequence[Check]) -> None:
        """Every check; in brief one line for each kind that holds."""
        self.step("Verdict, from the raw rows and records")
        self._console.print(verdict_table(checks, brief=not self._verbose))

    def next_steps(self, state: Path, shown: Patient, declined: Patient) -> None:
        """Lines to paste: the demo's patients served again, and a first look at them."""
        self.step("What to do next")
        self.say("Serve these patients again, until Ctrl-C:")
        self._line("up", "--home", state)
        self.say(f"In another terminal: the caseload, {shown.name}'s view, why {declined.name}'s order was declined:")
        self._line("caseload", "--home", state)
        self._line("view", shown.id, "--home", state)
        self._line("decisions", declined.id, "--home", state)

    def _line(self, *words: object) -> None:
        """A command line is never wrapped: it would not work as pasted."""
        self._console.print(f"  {line(*words)}", markup=False, soft_wrap=True)


def _order_row(names: Mapping[UUID, str], order: OrderOutcome) -> tuple[str, ...]:
    because = ", ".join((*order.reasons, *order.alerts, *order.overrides)) or "-"
    return names[order.patient], order.medicine, order.outcome, because, _gaps(order.not_checked)


def _gaps(not_checked: Sequence[NotChecked]) -> str:
    """The checks that could not be made, by the reason why."""
    checks = Counter(gap.reason for gap in not_checked if not gap.note)
    return ", ".join(f"{reason} ({count} check{'s'[: count > 1]})" for reason, count in checks.items()) or "-"
