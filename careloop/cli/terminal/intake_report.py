"""What an intake came to: tables for people, JSON for programs. It names files, and nothing that they hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from careloop.cli.calling.intake_sending import SendingOutcome
from careloop.cli.terminal.tables import table
from careloop.intake.mapping import PATIENT_UNKNOWN
from careloop.intake.reading import TYPE_NOT_USED
from careloop.intake.tally import Attention, Tally
from careloop.kernel.ids import PatientId

SHOWN = 40
"""Rows of what a person must look at; `--json` has all of them."""
PLACES_SHOWN = 3


@dataclass
class IntakeReport:
    """`bad_files` maps the name of each file of which nothing is read to the reason."""

    files: int = 0
    bad_files: dict[str, str] = field(default_factory=dict)
    patients: int = 0
    tally: Tally = field(default_factory=Tally)
    outcome: SendingOutcome = field(default_factory=SendingOutcome)

    @property
    def is_all_good(self) -> bool:
        """Whether something was read, and everybody who is understood or only in part is taken in."""
        failed = self.bad_files or self.outcome.refused or self.outcome.not_sent
        return self.tally.read > 0 and not failed and not self.people_left_out and not self.of_nobody

    @property
    def people_left_out(self) -> int:
        """Patients of whom nothing is taken in, until a person has looked at them."""
        return sum(count for (kind, _), count in self.tally.not_understood.items() if kind == "Patient")

    @property
    def of_nobody(self) -> int:
        """Resources of a patient who is nowhere in these files."""
        return sum(count for (_, why), count in self.tally.not_understood.items() if why == PATIENT_UNKNOWN)

    @property
    def attention(self) -> list[Attention]:
        """All that a person must look at, by patient and place."""
        found = (*self.tally.attention, *self.outcome.attention)
        return sorted(found, key=lambda one: (str(one.patient or ""), one.origin, one.resource, one.reason))

    def as_json(self) -> dict[str, Any]:
        outcome, tally = self.outcome, self.tally
        return {
            "files": {"read": self.files, "bad": [{"file": f, "reason": r} for f, r in self.bad_files.items()]},
            "patients": self.patients,
            "resources": {
                "read": tally.read,
                "mapped": dict(sorted(tally.mapped.items())),
                "not_used": _counted(tally.not_used),
                "not_understood": _counted(tally.not_understood),
                "no_fact_here_yet": dict(sorted(tally.waiting.items())),
            },
            "a_person_must_look_at": [_looked_at(*item) for item in _by_patient(self.attention)],
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

    def show(self, console: Console, *, brief: bool = False) -> None:
        """Tables on `console`; in brief, types of which nothing is used are one row."""
        console.print(self._resources(brief))
        for line in (*self._reasons(), *self._medicines()):
            console.print(line, markup=False)
        if self.outcome.refused:
            console.print(self._refused())
        if self.attention:
            console.print(self._to_look_at())
        for file, reason in self.bad_files.items():
            console.print(f"Bad file: {file} ({reason})", markup=False, soft_wrap=True)
        console.print(self._summary(), markup=False)

    def _resources(self, brief: bool) -> Table:
        """One row per type: how many of it were mapped, are not used here, were not understood."""
        tally = self.tally
        not_used, not_understood = _by_type(tally.not_used), _by_type(tally.not_understood)
        unused = {kind for kind, why in tally.not_used if why == TYPE_NOT_USED}
        of_use = sorted((tally.mapped.keys() | not_used.keys() | not_understood.keys()) - unused)
        rows = [(kind, tally.mapped[kind], not_used[kind], not_understood[kind]) for kind in of_use]
        if brief and unused:
            rows.append((f"{len(unused)} other types", 0, sum(not_used[kind] for kind in unused), 0))
        else:
            rows += [(kind, 0, not_used[kind], 0) for kind in sorted(unused)]
        shown = [(kind, *(f"{count:,}" if count else "-" for count in counts)) for kind, *counts in rows]
        return table("Resources read", ("resource", ">mapped", ">not used here", ">not understood"), shown)

    def _reasons(self) -> Iterator[str]:
        for title, counted in (("Not used here", self.tally.not_used), ("Not understood", self.tally.not_understood)):
            of_used_types = {place: count for place, count in sorted(counted.items()) if place[1] != TYPE_NOT_USED}
            if of_used_types:
                listed = (f"{kind} {reason} {count:,}" for (kind, reason), count in of_used_types.items())
                yield f"{title}: {', '.join(listed)}"

        if self.tally.waiting:
            counts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.tally.waiting.items()))
            yield f"Understood, and no fact here yet: {counts}"

    def _medicines(self) -> Iterator[str]:
        counts = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(self.tally.medicines.items()))
        if counts:
            yield f"Medicines, by what the safety check knows of them: {counts}"
        for code, count in sorted(self.tally.unresolved.items()):
            yield f"  not resolved: {f'RxNorm {code}' if code else 'without a code'} {count:,}"

    def _refused(self) -> Table:
        rows = [(rpc, reason, count) for (rpc, reason), count in sorted(self.outcome.refused.items())]
        return table("Refused by the assessment service", ("request", "reason", ">count"), rows)

    def _to_look_at(self) -> Table:
        """One row for each patient, resource type and reason, with the first places in the files."""
        counted: dict[tuple[str, str, str], list[str]] = {}
        for one in self.attention:
            counted.setdefault((str(one.patient or "nobody known"), one.resource, one.reason), []).append(
                one.origin.place
            )
        rows = [(*what, len(places), _places(places)) for what, places in counted.items()]
        more = f" ({len(rows) - SHOWN} more with --json)" if len(rows) > SHOWN else ""
        columns = ("patient", "resource", "because", ">count", "where")
        return table(f"A person must look at{more}", columns, rows[:SHOWN])

    def _summary(self) -> str:
        outcome, tally = self.outcome, self.tally
        return (
            f"{self.files} files, {len(self.bad_files)} of them bad; {self.patients} patients. "
            f"{tally.read:,} resources read: {tally.mapped.total():,} mapped, "
            f"{tally.not_used.total():,} not used here, {tally.not_understood.total():,} not understood. "
            f"{len(self.attention):,} things for a person to look at. "
            f"{outcome.recorded} facts recorded, {outcome.already_there} already there, "
            f"{outcome.refused.total()} refused, {outcome.not_sent} not sent."
        )


def _counted(left_out: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"resource": resource, "reason": reason, "count": count}
        for (resource, reason), count in sorted(left_out.items())
    ]


def _by_type(left_out: Counter[tuple[str, str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (resource, _), count in left_out.items():
        counts[resource] += count
    return counts


def _by_patient(attention: Iterable[Attention]) -> list[tuple[PatientId | None, list[Attention]]]:
    found: dict[PatientId | None, list[Attention]] = {}
    for one in attention:
        found.setdefault(one.patient, []).append(one)
    return list(found.items())


def _looked_at(patient: PatientId | None, items: list[Attention]) -> dict[str, Any]:
    """`entry` is the entry of a bundle or the line of a file, counted from 1."""
    return {
        "patient_id": str(patient) if patient else None,
        "items": [
            {
                "resource": one.resource,
                "reason": one.reason,
                "file": one.origin.file,
                "entry": one.origin.number,
            }
            for one in items
        ],
    }


def _places(places: list[str]) -> str:
    more = f" and {len(places) - PLACES_SHOWN} more" if len(places) > PLACES_SHOWN else ""
    return ", ".join(places[:PLACES_SHOWN]) + more
