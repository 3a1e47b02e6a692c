"""What an intake came to: tables for people, JSON for programs. It names files, and nothing that they hold."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from careloop.cli.calling.intake_sending import SendingOutcome
from careloop.intake.tally import Tally


@dataclass
class IntakeReport:
    """`bad_files` maps the name of each file that is no bundle to the reason."""

    files: int = 0
    bad_files: dict[str, str] = field(default_factory=dict)
    patients: int = 0
    tally: Tally = field(default_factory=Tally)
    outcome: SendingOutcome = field(default_factory=SendingOutcome)

    @property
    def is_all_good(self) -> bool:
        return not self.bad_files and not self.outcome.refused and not self.outcome.not_sent

    def as_json(self) -> dict[str, Any]:
        outcome, tally = self.outcome, self.tally
        return {
            "files": {"read": self.files, "bad": [{"file": f, "reason": r} for f, r in self.bad_files.items()]},
            "patients": self.patients,
            "resources": {
                "read": tally.read,
                "mapped": dict(sorted(tally.mapped.items())),
                "not_understood": [
                    {"resource": resource, "reason": reason, "count": count}
                    for (resource, reason), count in sorted(tally.not_understood.items())
                ],
            },
            "medicines": {
                "by_the_pack": dict(sorted(tally.medicines.items())),
                "unresolved": [{"rxcui": code, "count": count} for code, count in sorted(tally.unresolved.items())],
            },
            "requests": {
                "recorded": outcome.recorded,
                "already_there": outcome.already_there,
                "refused": [
                    {"rpc": rpc, "reason": reason, "count": count}
                    for (rpc, reason), count in sorted(outcome.refused.items())
                ],
                "not_sent": outcome.not_sent,
            },
        }

    def show(self, console: Console) -> None:
        """Tables on `console`."""
        console.print(self._resources())
        if self.tally.medicines:
            console.print(self._medicines())
        if self.outcome.refused:
            console.print(self._refused())
        for file, reason in self.bad_files.items():
            console.print(f"Bad file: {file} ({reason})", markup=False, soft_wrap=True)
        console.print(self._summary(), markup=False, soft_wrap=True)

    def _resources(self) -> Table:
        table = Table("Resource", "Became", title="Resources read")
        table.add_column("Count", justify="right")
        for resource, count in sorted(self.tally.mapped.items()):
            table.add_row(resource, "mapped", f"{count}")
        for (resource, reason), count in sorted(self.tally.not_understood.items()):
            table.add_row(resource, f"not understood: {reason}", f"{count}")
        return table

    def _medicines(self) -> Table:
        table = Table("Known to the safety check", title="Medicines of orders and statements")
        table.add_column("Count", justify="right")
        for outcome, count in sorted(self.tally.medicines.items()):
            table.add_row(outcome, f"{count}")
        for code, count in sorted(self.tally.unresolved.items()):
            table.add_row(f"not resolved: {f'RxNorm {code}' if code else 'without a code'}", f"{count}")
        return table

    def _refused(self) -> Table:
        table = Table("Request", "Reason", title="Refused by the assessment service")
        table.add_column("Count", justify="right")
        for (rpc, reason), count in sorted(self.outcome.refused.items()):
            table.add_row(rpc, reason, f"{count}")
        return table

    def _summary(self) -> str:
        outcome, tally = self.outcome, self.tally
        return (
            f"{self.files} files, {len(self.bad_files)} of them bad; {self.patients} patients. "
            f"{tally.read} resources read: {sum(tally.mapped.values())} mapped, "
            f"{sum(tally.not_understood.values())} not understood. "
            f"{outcome.recorded} facts recorded, {outcome.already_there} already there, "
            f"{sum(outcome.refused.values())} refused, {outcome.not_sent} not sent."
        )
