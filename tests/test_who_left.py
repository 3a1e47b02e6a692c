"""Whose last membership of the care team ended writes no more, in any service; who never was in it is not asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Handler
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.log.protocol import Unit
from careloop.contracts.coordination import TYPES
from careloop.contracts.terms import EnteredInError, Role
from careloop.kernel.errors import NotAllowed
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.notifications.consumers import CAUSES, NoticesConsumer
from tests.support.controls import notifications as notices
from tests.support.controls.care_team import LEAVER, came, left
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, YESTERDAY
from tests.support.decisions import EVERY_SERVICE, Deciding
from tests.support.noting import received
from tests.support.speaking import CORRELATION, Desk

DAY = timedelta(days=1)
CAME, LEFT = came("came", LAST_WEEK), left("left", YESTERDAY)
BACK = came("back", NOON - timedelta(hours=1))
WIRE_TYPES = {contract: wire_type for wire_type, contract in TYPES.items()}

of_every_service = pytest.mark.parametrize("deciding", EVERY_SERVICE, ids=lambda deciding: deciding.service)


def strike(wrong: Any) -> EnteredInError:
    return EnteredInError(fact_id=wrong.fact_id, reason="another client", marked_by="maya-manager", occurred_at=NOON)


@dataclass
class Record:
    """One client's record in one service, which hears of the care team as the service does in a running system."""

    deciding: Deciding
    asked: int = 0
    desk: Desk[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        topics = import_module(f"services.{self.deciding.service}.domain.events").TOPICS
        self.desk = Desk(self.deciding.service, topics, self.deciding.decider)

    async def hears(self, *facts: Any) -> "Record":
        for number, fact in enumerate(facts):
            if self.deciding.service == "coordination":
                await self.desk.note(fact)
            else:
                one = received(WIRE_TYPES[type(fact)], fact, f"{number} {fact.fact_id}")
                effects = await self._consumer.handle([one])
                await self.desk.store.commit(Unit(writes=effects.writes))
        return self

    @property
    def _consumer(self) -> Handler:
        if self.deciding.service == "notifications":
            return NoticesConsumer(CAUSES, self.desk.streams, notices.RULES, lambda: NOON)
        consumers = import_module(f"services.{self.deciding.service}.consumers")
        return NotesConsumer(f"{self.deciding.service}.team", consumers.TEAM_NOTES, self.desk.streams)

    async def is_written(self, commands: Sequence[Any], *, by: str = LEAVER, role: str = Role.THERAPIST) -> int:
        """How many events these come to, asked for one after another."""
        writes, stored = Writes(self.desk.streams, self.deciding.asked_for), 0
        for command in commands:
            self.asked += 1
            request = Request(
                request_id=f"request {self.asked}",
                kind=CommandKind.CALLER,
                actor=PersonId(by),
                digest=b"",
                correlation_id=CORRELATION,
                now=NOON,
                role=role,
            )
            stored += len((await writes.write(PATIENT, request, command)).events)
        return stored

    async def refuses(self, commands: Sequence[Any], **who: str) -> None:
        for command in commands:
            with pytest.raises(NotAllowed) as refused:
                await self.is_written([command], **who)
            assert refused.value.slug == "not-in-team"


def asked_for(deciding: Deciding) -> list[Any]:
    """An example of every command that somebody may ask for, and that asks for the membership."""
    asked = [one for one in deciding.commands if type(one) in deciding.asked_for]
    return [one for one in asked if type(one) not in deciding.asked_for.also_after_leaving]


def possible(deciding: Deciding) -> Any:
    """One that a record with the background allows."""
    return asked_for(deciding)[-1] if deciding.service == "notifications" else asked_for(deciding)[0]


async def record(deciding: Deciding, *heard: Any) -> Record:
    made = Record(deciding)
    await made.desk.note(*deciding.background)
    return await made.hears(*heard)


@of_every_service
async def test_who_left_the_care_team_may_write_nothing(deciding: Deciding) -> None:
    await (await record(deciding, CAME, LEFT)).refuses(asked_for(deciding))


@of_every_service
async def test_who_left_one_role_and_holds_another_may_write(deciding: Deciding) -> None:
    other = came("other role", LAST_WEEK, role=Role.CARE_MANAGER)
    assert await (await record(deciding, CAME, other, LEFT)).is_written([possible(deciding)])


@of_every_service
async def test_who_is_assigned_again_may_write_again_be_it_from_a_day_before_the_release(deciding: Deciding) -> None:
    for again in (BACK, came("back since before", YESTERDAY - DAY)):
        assert await (await record(deciding, CAME, LEFT, again)).is_written([possible(deciding)])


@of_every_service
async def test_who_is_assigned_again_from_tomorrow_on_waits_until_then(deciding: Deciding) -> None:
    await (await record(deciding, CAME, LEFT, came("tomorrow", NOON + DAY))).refuses([possible(deciding)])


@of_every_service
async def test_a_release_to_come_and_a_struck_one_end_nothing(deciding: Deciding) -> None:
    assert await (await record(deciding, CAME, left("later", NOON + DAY))).is_written([possible(deciding)])
    assert await (await record(deciding, CAME, LEFT, strike(LEFT))).is_written([possible(deciding)])


@of_every_service
async def test_who_never_was_in_it_or_whose_assignment_was_a_mistake_may_write(deciding: Deciding) -> None:
    assert await (await record(deciding, CAME, LEFT)).is_written([possible(deciding)], by="somebody else")
    assert await (await record(deciding, CAME, LEFT, strike(CAME))).is_written([possible(deciding)])


@of_every_service
@pytest.mark.parametrize("role", [Role.CLIENT, Role.SERVICE, Role.REGISTRAR])
async def test_the_client_a_service_and_a_registrar_are_locked_out_by_nobody_who_releases_their_name(
    deciding: Deciding, role: Role
) -> None:
    assert await (await record(deciding, CAME, LEFT)).is_written([possible(deciding)], role=role)


@of_every_service
async def test_a_repeat_of_what_was_written_before_is_answered_as_then(deciding: Deciding) -> None:
    made = await record(deciding, CAME)
    first = await made.is_written([possible(deciding)])
    await made.hears(LEFT)
    made.asked = 0
    assert await made.is_written([possible(deciding)]) == first


def test_only_who_is_paged_or_reached_a_client_at_risk_writes_after_leaving() -> None:
    exempt = {kind.__name__ for deciding in EVERY_SERVICE for kind in deciding.asked_for.also_after_leaving}
    assert exempt == {"AcknowledgeNotice", "RecordRiskContact"}
