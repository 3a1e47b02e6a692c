"""A practice that follows dose plans: commands, the worker of what is due, and an hour that can be set."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

from careloop.chassis.commands.streams import Streams
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.due.worker import DueWorker
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit, Written
from careloop.contracts.prescribing import (
    AnsweredAsk,
    AskAnswer,
    DosePlanKind,
    HoldReason,
    Phase,
    Regimen,
    ScheduledDose,
)
from careloop.contracts.terms import Medicine
from services.prescribing import due
from services.prescribing.domain.confirming import ConfirmStep
from services.prescribing.domain.decisions import DECISIONS, OWN_DECISIONS
from services.prescribing.domain.events import TOPICS, DosePlanSigned, Event, PrescriptionIssued
from services.prescribing.domain.holding import ChangeStep, HoldStep
from services.prescribing.domain.noted import TimeZoneNoted
from services.prescribing.domain.plan_endings import EndDosePlan
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import DoseSegment
from services.prescribing.domain.signing import SignDosePlan
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from tests.support.controls import prescribing as p
from tests.support.controls.moments import CLIENT, NOON, PATIENT, PRESCRIBER, TODAY, fact
from tests.support.histories.writes import request

DAY = timedelta(days=1)
CREDENTIAL = replace(p.CREDENTIAL, valid_until=datetime(2028, 1, 1, tzinfo=UTC))
FINE = (AnsweredAsk(ask="withdrawal-symptoms", answer=AskAnswer.FINE),)
FIRST, SECOND, THIRD = date(2026, 12, 7), date(2026, 12, 21), date(2027, 1, 4)
Found = TypeVar("Found")


def ours(drug: str, mg: str, days_ago: int = 60) -> PrescriptionIssued:
    """Prescribed by us so long ago."""
    order = replace(
        p.SERTRALINE_50, medicine=Medicine(name=drug), daily_dose_mg=Decimal(mg), starts_on=TODAY - days_ago * DAY
    )
    return replace(
        p.ISSUED, fact_id=fact(f"our {drug}"), order=order, ingredients=(drug,), occurred_at=NOON - days_ago * DAY
    )


def every_day(amount: str) -> Regimen:
    return Regimen(phases=(Phase(doses=(ScheduledDose(at="morning", amount_mg=Decimal(amount)),)),))


def segment(drug: str, amount: str, from_on: date, to_on: date | None = None) -> DoseSegment:
    return DoseSegment(drug=drug, from_on=from_on, to_on=to_on, regimen=every_day(amount))


def sign(*segments: DoseSegment, now: datetime = NOON, name: str = "plan", **told: Any) -> SignDosePlan:
    usual: dict[str, Any] = {"kind": DosePlanKind.TAPER, "overrides": (), "freshness": p.FRESH}
    return SignDosePlan(
        fact_id=fact(name),
        segments=segments,
        prescriber=PRESCRIBER,
        credential=CREDENTIAL,
        occurred_at=now,
        now=now,
        **{**usual, **told},
    )


def confirm(step: int, now: datetime, name: str = "plan", **told: Any) -> ConfirmStep:
    usual: dict[str, Any] = {"asked": FINE, "overrides": (), "freshness": p.FRESH}
    return ConfirmStep(
        fact_id=fact(f"confirm {name} {step} {now}"),
        plan=fact(name),
        step=step,
        prescriber=PRESCRIBER,
        credential=CREDENTIAL,
        occurred_at=now,
        now=now,
        **{**usual, **told},
    )


def hold(step: int, now: datetime, name: str = "plan", *, by_client: bool = True, **told: Any) -> HoldStep:
    usual: dict[str, Any] = {"reason": HoldReason.CLIENT_WISH}
    return HoldStep(
        fact_id=fact(f"hold {name} {step} {now}"),
        plan=fact(name),
        step=step,
        held_by=CLIENT if by_client else PRESCRIBER,
        by_client=by_client,
        credential=None if by_client else CREDENTIAL,
        occurred_at=now,
        now=now,
        **{**usual, **told},
    )


def put_off(step: int, from_on: date, now: datetime, name: str = "plan") -> ChangeStep:
    return ChangeStep(
        fact_id=fact(f"put off {name} {step} {from_on}"),
        plan=fact(name),
        step=step,
        from_on=from_on,
        reason=HoldReason.SUPPLY,
        prescriber=PRESCRIBER,
        credential=CREDENTIAL,
        occurred_at=now,
        now=now,
    )


def end(now: datetime, name: str = "plan") -> EndDosePlan:
    return EndDosePlan(
        fact_id=fact(f"end {name}"),
        plan=fact(name),
        reason=HoldReason.RELAPSE,
        prescriber=PRESCRIBER,
        credential=CREDENTIAL,
        occurred_at=now,
        now=now,
    )


SERTRALINE = ours("sertraline", "100")
TAPER = sign(segment("sertraline", "50", FIRST, SECOND - DAY), segment("sertraline", "25", SECOND, THIRD - DAY))
"""100 mg now, 50 from 12-07, 25 from 12-21, none from 01-04."""


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """A moment of a day in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def in_zone(name: str) -> TimeZoneNoted:
    return replace(p.TIME_ZONE, time_zone=name)


class Killed(BaseException):
    """The process ends here."""


class DyingStore(MemoryEventStore):
    """Dies at the next commit that stores a kind of event, before it or after it."""

    dies: str = ""
    at_event: str = ""

    async def commit(self, unit: Unit) -> Sequence[Written]:
        storing = any(self.at_event in event.topic for write in unit.writes for event in write.events)
        dies, self.dies = (self.dies, "") if storing else ("", self.dies)
        if dies == "before":
            raise Killed
        written = await super().commit(unit)
        if dies == "after":
            raise Killed
        return written


class Practice:
    """Prescribing's stream of one client, with the worker of its due rows."""

    def __init__(self, *history: Event, now: datetime = NOON) -> None:
        self.now = now
        self.store = DyingStore(lambda: self.now)
        self.streams: Streams[PrescriptionChart, Event] = Streams(
            "prescribing", self.store, Codec(TOPICS), DECIDER, published=frozenset(), due=due.due_rows
        )
        self.history = history
        rows = DueDecisions(self.streams, OWN_DECISIONS, lambda: self.now, due.ASKED, due.WHEN)
        self.handlers = rows.handlers
        self.worker = self.another_worker()

    def another_worker(self) -> DueWorker:
        return DueWorker(self.store, self.handlers, lambda: self.now)

    async def opened(self) -> "Practice":
        await self.know(*self.history)
        return self

    async def know(self, *events: Event) -> None:
        """These became known."""
        await self.streams.transact(PATIENT, request(str(uuid4())), lambda _chart: events)
        await self.work()

    async def do(self, command: Any) -> list[Event]:
        """What the command comes to, and all that is due at once."""
        done = await self.streams.transact(
            PATIENT, request(str(uuid4())), lambda chart: DECISIONS[type(command)](command, chart)
        )
        await self.work()
        return list(done.events)

    async def work(self) -> None:
        while await self.worker.work():
            pass

    async def until(self, moment: datetime) -> None:
        """All that time does until then, looked at every quarter of an hour."""
        while self.now < moment:
            self.now = min(self.now + timedelta(minutes=15), moment)
            await self.work()

    async def events(self, kind: type[Found]) -> list[Found]:
        rows = await self.store.load(PATIENT)
        found = (self.streams.codec.decode(row.meta.topic, row.state) for row in rows)
        return [event for event in found if isinstance(event, kind)]

    async def chart(self) -> PrescriptionChart:
        return (await self.streams.load(PATIENT)).state

    async def plan(self, name: str = "plan") -> DosePlan:
        found = (await self.chart()).plan(fact(name))
        assert found is not None
        return found

    async def dose(self, prescription: PrescriptionIssued, day: date) -> Decimal | None:
        chart = await self.chart()
        return chart.daily_dose_mg(prescription, day)

    async def open_rows(self) -> int:
        """How many rows wait for a later moment."""
        far = self.now + timedelta(days=3660)
        return len(await self.store.claim_due(frozenset({due.DOSE_PLAN, due.STOP_DRUG}), far, 0, 1000))


async def practice(*history: Event, now: datetime = NOON, zone: str = "America/New_York") -> Practice:
    return await Practice(*p.ASSESSED, in_zone(zone), SERTRALINE, *history, now=now).opened()


def signed(plan: list[Event]) -> DosePlanSigned:
    (found,) = (event for event in plan if isinstance(event, DosePlanSigned))
    return found
