"""The verdict on one running system: everything read raw, every comparison made."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from rich.table import Table

from careloop.cli.terminal.tables import table
from careloop.demo import verdict
from careloop.demo.folds import folded
from careloop.demo.raw import CONTRACTS, Database, read_database, read_topic
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
        "coordination.MessagePosted.v1",
    }
)
"""What someone must hear of: each of these is the cause of exactly one decision."""


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
        verdict.views_are_folds(database.sections, folded(database.journal)),
        verdict.one_decision_per_cause(_causes(database), database.decided_on),
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


def _causes(database: Database) -> list[UUID]:
    return [row.event_id for service in CONTRACTS for row in database.stored[service] if row.topic in CAUSES]


def verdict_table(checks: Sequence[Check]) -> Table:
    """One row per check; what is wrong stands under the check that found it."""
    rows: list[tuple[str, str, str]] = []
    for check in checks:
        rows.append((check.name, check.counted, "holds" if check.holds else "BROKEN"))
        rows += [("", wrong, "") for wrong in verdict.shortened(check.wrong)]
    return table("Verdict", ("check", "counted", "result"), rows)
