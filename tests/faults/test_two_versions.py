"""A newer build of monitoring beside today's, on one log and one topic: it stores what today's build does not know, is
rolled back before all of that is relayed, and comes again.

`CARELOOP_FAULT_KILLS` sets how many commands are acknowledged in each of the four stages (200).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import grpc
import pytest

from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.ids import PatientId
from careloop.local.settings import SERVICES
from tests.support.checker import ledger
from tests.support.checker.ledger import by_service, records, tables, times_stored
from tests.support.checker.long_forms import TIMES
from tests.support.histories.care import Care
from tests.support.processes.flow import Flow, check_view_is_fold, dose, enrolled, flowing, skipped
from tests.support.processes.instances import Instance, instead, only, relaying
from tests.support.processes.newer_service import CONCERN, CONTRACTS, RelayHeld, command
from tests.support.processes.running import System
from tests.support.services.served import refused
from tests.support.waiting import until

WITHIN_SECONDS = 60 + TIMES

pytestmark = [pytest.mark.faults, pytest.mark.timeout(TIMES * 10 + 600)]


async def test_old_and_new_side_by_side_and_rolled_back(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(ledger.PUBLISHED, "monitoring", CONTRACTS)
    cares, (first, second) = await enrolled(system, 6), await enrolled(system, 2)
    builds = Builds(system)
    async with instead(system, "monitoring", builds.both):
        async with flowing(system, cares, pause=0.05) as flow:
            await flow.go_on(TIMES, within=WITHIN_SECONDS)
            concern, waiting = await builds.roll_back(first, flow)
            await builds.come_again(concern)
            another = await builds.raise_concern(second)
            await flow.go_on(TIMES, within=WITHIN_SECONDS)
        await first.tell(first.prescriber, "monitoring", waiting)
        await flow.check()
        for care, position in ((first, concern), (second, another)):
            await check_view_is_fold(care)
            await until(partial(went_on_behind, system, care, position))
        own = [*builds.commands, waiting.request_id]
        assert await times_stored(system, own) == dict.fromkeys(own, 1)
        kept = await builds.kept(concern)
        with capsys.disabled():
            sys.stdout.write(f"\n{len(flow.acknowledged)} commands, refused {dict(flow.refused)}, {kept}\n")
        assert kept.concerns == [concern, another]
        assert kept.fields_by_old > 0
        assert kept.altered == 0
        await builds.have_not_failed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Of the newer build's events in the journal: where the concerns are, how many doses with the new field the old
    build relayed, and how many of all entries of monitoring have other bytes than the log."""

    concerns: list[int]
    fields_by_old: int
    altered: int


class Builds:
    """The two processes, and what was told to the newer one."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._held = RelayHeld(system.stack.home)
        self._held.put()
        self._old = Instance(system, "monitoring", 0)
        self._new = Instance(system, "monitoring", 1, command=command())
        self.commands: list[str] = []

    @property
    def both(self) -> Sequence[Instance]:
        return self._old, self._new

    async def roll_back(self, care: Care, flow: Flow) -> tuple[int, Any]:
        """The newer build is killed when it has stored a concern that nobody relayed. Where the concern is, and a
        command on that record which could not be answered."""
        assert await relaying(self._system, self.both) is self._old
        concern = await self.raise_concern(care)
        await self._old_stops_before(concern, flow)
        await self._new.end()
        await self._old_stops_before(concern, flow)
        return concern, await self._refused_by_old(care)

    async def come_again(self, concern: int) -> None:
        """The newer build runs again, and relays on from the concern."""
        self._held.take_away()
        self._new.start()
        await self._new.answers()
        await until(lambda: is_journaled(self._system, concern), seconds=60)
        assert await relaying(self._system, self.both) is self._new

    async def raise_concern(self, care: Care) -> int:
        """Tell the newer build of a skipped dose; the position of the event that only it knows."""
        request = skipped("forgot")
        answer = await self._tell(self._new, care, request)
        self.commands.append(request.request_id)
        care.tokens["monitoring"] = answer.receipt.token
        async with tables(self._system, "monitoring") as connection:
            position: int = await connection.fetchval(
                "select notification_id from events where command_id = $1 and topic = $2", request.request_id, CONCERN
            )
        return position

    async def _refused_by_old(self, care: Care) -> Any:
        """A command on this patient's record, which the old build does not answer; the request."""
        request = dose()
        answer = await refused(self._tell(self._old, care, request))
        assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "stored-by-newer")
        return request

    async def _tell(self, instance: Instance, care: Care, request: Any) -> Any:
        request.patient_id = care.patient_id
        async with only(self._system, instance) as reached:
            return await replace(care.prescriber, system=reached).call(instance.service, request)

    async def _old_stops_before(self, concern: int, flow: Flow) -> None:
        """While commands go on, the old build relays all that lies before the concern, and nothing else."""
        await until(lambda: self._old.log_has("LogAhead"))
        await until(lambda: self._is_relayed_through(concern - 1))
        await flow.go_on(TIMES, within=WITHIN_SECONDS)
        assert await self._is_relayed_through(concern - 1)
        seen = by_service(await records(self._system))["monitoring"]
        assert max(one.position for one in seen) == concern - 1, "the dose of which the concern was raised"

    async def _is_relayed_through(self, position: int) -> bool:
        async with tables(self._system, "monitoring") as connection:
            found: int = await connection.fetchval("select position from relay_checkpoint")
        return found == position

    async def kept(self, first_concern: int) -> Kept:
        async with tables(self._system) as connection:
            row = await connection.fetchrow(
                """select array_agg(notification_id order by notification_id) filter (where topic = $1) as concerns,
                     count(*) filter (where notification_id < $2 and position('"witnessed_by"'::bytea in value) > 0)
                       as fields_by_old,
                     count(*) filter (where value <> state or type <> 'care.' || topic) as altered
                   from monitoring.events join coordination.journal using (event_id)""",
                CONCERN,
                first_concern,
            )
        return Kept(**row)

    async def have_not_failed(self) -> None:
        """No process ended or lost a part of itself, here or in another service, and nobody's records are parked."""
        for one in self.both:
            assert one.alive
            assert not one.ended_by_itself
            assert not one.log_has("task failed") + one.log_has("process failed")
        for service in SERVICES:
            if service != "monitoring":
                await self._system.supervisor.wait_healthy(service, within=10)
            async with tables(self._system, service) as connection:
                assert not await connection.fetchval("select count(*) from parked")


async def is_journaled(system: System, position: int) -> bool:
    async with tables(system, "coordination") as connection:
        found: bool = await connection.fetchval(
            "select exists (select from journal where source = 'monitoring' and source_position = $1)", position
        )
    return found


async def went_on_behind(system: System, care: Care, position: int) -> bool:
    """Whether the services that do not know this event have passed over it."""
    partition = partition_of(PatientId(UUID(care.patient_id)), system.stack.settings.partitions)
    behind = []
    for service in ("prescribing", "notifications"):
        async with tables(system, service) as connection:
            behind.append(
                await connection.fetchval(
                    """select count(*) from consumed_positions
                       where source = 'monitoring' and partition = $1 and position >= $2""",
                    partition,
                    position,
                )
            )
    return all(behind)
