"""The verdict on one running system: everything read raw, every comparison made."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from rich.table import Table

from careloop.cli.terminal.tables import table
from careloop.demo import verdict
from careloop.demo.folds import folded, shown
from careloop.demo.raw_data import CONTRACTS, Database, read_database, read_topic
from careloop.demo.verdict import Check, Sent
from careloop.local.settings import SERVICES

CAUSES = frozenset(
    {
        "monitoring.SideEffectReported.v1",
        "monitoring.RiskRaised.v1",
        "assessment.RiskRaised.v1",
        "assessment.AssessmentCompleted.v1",
        "prescribing.PrescriptionIssued.v1",
        "prescribing.PrescriptionDeclined.v1",
        "prescribing.DoseChanged.v1",
        "prescribing.PrescriptionDiscontinued.v1",
        "prescribing.DiscrepancyFound.v1",
        "prescribing.DosePlanSigned.v1",
        "prescribing.StepDue.v1",
        "prescribing.StepOverdue.v1",
        "prescribing.StepConfirmed.v1",
        "prescribing.SafetyStepTaken.v1",
        "prescribing.StepHeld.v1",
        "prescribing.StepChanged.v1",
        "prescribing.DosePlanEnded.v1",
        "prescribing.DiscrepancyOverdue.v1",
        "coordination.MessagePosted.v1",
    }
)
"""What someone must hear of: each of these is the cause of exactly one decision."""
BY_CONTENT = frozenset(
    {
        "monitoring.ScaleScored.v1",
        "assessment.ScaleScored.v1",
        "monitoring.DoseRecorded.v1",
        "monitoring.ResultActionRaised.v1",
        "prescribing.ConcernsRaised.v1",
        "prescribing.StepDeclined.v1",
        "assessment.PlanProposed.v1",
    }
)
"""What someone must hear of or not, by what it says: each of these is the cause of one decision at most."""


async def judge(dsn: str, bootstrap: str, acknowledged: Mapping[str, Iterable[str]]) -> list[Check]:
    """All checks; `acknowledged` are the request ids that each service answered OK."""
    database = await read_database(dsn)
    topics = await asyncio.gather(*(read_topic(bootstrap, service) for service in SERVICES))
    checks = [
        check
        for service, (sent, partitions) in zip(SERVICES, topics, strict=True)
        for check in _of_service(database, service, sent, partitions, acknowledged.get(service, ()))
    ]
    journal = [entry.row for entry in database.journal]
    return [
        *checks,
        verdict.journal_is_gapless(journal),
        verdict.views_are_folds(shown(database.sections, database.journal), folded(database.journal)),
        verdict.one_decision_per_cause(
            _causes(database, CAUSES), database.decided_on, may_cause=_causes(database, BY_CONTENT)
        ),
    ]


def _of_service(
    database: Database, service: str, sent: Sequence[Sent], partitions: int, acknowledged: Iterable[str]
) -> list[Check]:
    stored, published = database.stored[service], database.published(service)
    journal = [entry.row for entry in database.journal]
    commands = database.commands[service]
    return [
        verdict.log_is_gapless(service, stored),
        verdict.one_set_per_command(service, stored, commands),
        verdict.acknowledged_is_kept(service, acknowledged, commands),
        verdict.topic_is_log(service, published, sent, partitions),
        verdict.journal_is_topic(service, published, journal),
    ]


def _causes(database: Database, topics: frozenset[str]) -> list[UUID]:
    return [row.event_id for service in CONTRACTS for row in database.stored[service] if row.topic in topics]


def verdict_table(checks: Sequence[Check], *, brief: bool = False) -> Table:
    """One row per check; what is wrong stands under the check that found it.

    In brief, what holds in all five services is one row.
    """
    rows: list[tuple[str, str, str]] = []
    alike = _holding_everywhere(checks) if brief else {}
    for name, counts in alike.items():
        rows.append((f"every service: {name}", counts, "holds"))
    for check in checks:
        if check.name.partition(": ")[2] in alike:
            continue
        rows.append((check.name, check.counted, "holds" if check.holds else "BROKEN"))
        rows += [("", wrong, "") for wrong in verdict.shortened(check.wrong)]
    return table("", ("check", "counted", "result"), rows)


def _holding_everywhere(checks: Sequence[Check]) -> dict[str, str]:
    """Of each check that is made of every service and holds in all: how much was counted in each service."""
    found: dict[str, list[Check]] = {}
    for check in checks:
        service, _, name = check.name.partition(": ")
        if service in SERVICES:
            found.setdefault(name, []).append(check)
    return {
        name: _added([check.counted for check in made])
        for name, made in found.items()
        if len(made) == len(SERVICES) and all(check.holds for check in made)
    }


def _added(counted: Sequence[str]) -> str:
    """Such as `3 + 5 rows`."""
    numbers = [one.partition(" ")[0] for one in counted[:-1]]
    return " + ".join([*numbers, counted[-1].partition(",")[0]])
