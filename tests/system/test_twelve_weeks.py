"""Twelve weeks of one client in seconds: the system's clock is set ahead, and the view is right at every step."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.clock import SettableClock, clock_of
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import (
    Person,
    System,
    assessment,
    common,
    coordination,
    monitoring,
    notifications,
    prescribing,
)
from tests.support.processes.starting import started_system
from tests.support.waiting import until

pytestmark = pytest.mark.system

NEW_YORK = ZoneInfo("America/New_York")
PRAZOSIN = common.Medicine(name="prazosin", rxcui="8629")


@pytest.fixture(scope="module")
def walked_system() -> Iterator[System]:
    """One of its own: its clock does not come back."""
    with started_system() as system:
        system.clock = clock_of(system.stack.home)
        yield system


@pytest.fixture
async def walk(walked_system: System) -> AsyncIterator["Walk"]:
    async with walked_system.open() as opened:
        yield Walk(opened)


class Walk(Care):
    """One client in New York, the people around them, and the clock."""

    @property
    def clock(self) -> SettableClock:
        assert isinstance(self.registrar.system.clock, SettableClock)
        return self.registrar.system.clock

    @property
    def today(self) -> Any:
        """The day in New York; the walk never lies where it is another in UTC."""
        return self.clock().astimezone(NEW_YORK).date()

    def at(self, **ago: float) -> Timestamp:
        stamp = Timestamp()
        stamp.FromDatetime(self.clock() - timedelta(**ago))
        return stamp

    def set_ahead(self, days: int, hour: int = 12) -> datetime:
        """To this hour in New York, so many days on."""
        day = self.today + timedelta(days=days)
        self.clock.move(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK))
        return self.clock()

    async def go(self, days: int, hour: int = 12) -> None:
        """The same; returns when every source is fresh then."""
        moved = self.set_ahead(days, hour)

        async def all_fresh() -> bool:
            answer = await self.view()
            sources = {one.source: one for one in answer.freshness}
            return all(one.fresh_as_of.ToDatetime(tzinfo=UTC) >= moved and not one.stale for one in sources.values())

        await until(all_fresh, seconds=30)

    async def medication(self, name: str) -> Any:
        found = (await self.view()).view.medications.medications
        return next(one for one in found if one.medicine.name.startswith(name))

    async def doses(self, name: str) -> tuple[str, str, list[tuple[str, bool]]]:
        one = await self.medication(name)
        return (
            one.status,
            one.daily_dose_mg,
            [(change.to_daily_dose_mg, change.in_force) for change in one.dose_changes],
        )

    async def change(self, prescription: str, dose: str, days_ahead: int = 0) -> Any:
        request = prescribing.ChangeDoseRequest(
            prescription_id=prescription,
            daily_dose_mg=dose,
            effective_on=(self.today + timedelta(days=days_ahead)).isoformat(),
            reason="partial response",
            at_least=[self.tokens["assessment"]],
        )
        return await self.tell(self.prescriber, "prescribing", request)

    async def refused(self, prescription: str, dose: str, days_ahead: int = 0) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await self.change(prescription, dose, days_ahead)
        return str(refusal.value.details())

    async def notice_of(self, person: Person, fact_id: str) -> Any:
        """The notice of this fact in the person's inbox, when it is there."""
        found: list[Any] = []

        async def there() -> bool:
            answer = await person.surely("notifications", notifications.ListInboxRequest())
            found[:] = [one for one in answer.notices if one.cause_fact_id == fact_id]
            return bool(found)

        await until(there)
        return found[0]

    async def acknowledge(self, notice: Any) -> None:
        request = notifications.AcknowledgeNoticeRequest(notice_id=notice.notice_id)
        await self.tell(self.prescriber, "notifications", request)

    async def urgency(self) -> tuple[str, str]:
        found = (await self.view()).view.urgency
        return found.level, found.reason


async def test_twelve_weeks_of_one_client(walk: Walk) -> None:
    # Week 0: enrolled in New York, assessed, and begun on 50 mg
    walk.set_ahead(1)
    await walk.tell(
        walk.registrar,
        "assessment",
        assessment.EnrollPatientRequest(
            name="Robin Example", birth_date="1990-01-01", sex="female", phone="555-0100", time_zone="America/New_York"
        ),
    )
    await walk.form_team()
    await walk.assess()
    issued = await walk.order(SERTRALINE, "50")
    assert issued.decision == prescribing.DECISION_ISSUED, issued.reasons
    sertraline = issued.fact_id
    assert await walk.doses("sertraline") == ("active", "50", [])
    assert await walk.urgency() == ("none", "")

    # Week 2: 100 mg from next week on. The dose of today stays 50 until the night of that day, where the client lives.
    await walk.go(14)
    known_before = (await walk.view()).stamp.known_at
    await walk.change(sertraline, "100", 7)
    assert await walk.doses("sertraline") == ("active", "50", [("100", False)])
    assert "this daily dose" in await walk.refused(sertraline, "50")
    assert "14 days" in await walk.refused(sertraline, "150", 15)
    await walk.go(6, hour=23)
    assert await walk.doses("sertraline") == ("active", "50", [("100", False)])
    await walk.go(1, hour=0)

    async def took_effect() -> bool:
        return await walk.doses("sertraline") == ("active", "100", [("100", True)])

    await until(took_effect)
    entry = next(one for one in (await walk.view()).view.timeline if one.kind == "DoseTookEffect")
    began = entry.occurred_at.ToDatetime(tzinfo=UTC).astimezone(NEW_YORK)
    assert (began.date(), began.hour, began.minute) == (walk.today, 0, 0)

    # Week 4: a screener with every answer yes, charted 25 hours later, asks the prescriber for a contact; to take that
    # on is not to have made it.
    await walk.go(7)
    screened = await walk.tell(
        walk.prescriber,
        "monitoring",
        monitoring.AnswerScaleRequest(instrument="c-ssrs", items=[1] * 7, occurred_at=walk.at(hours=25)),
    )
    shown = (await walk.view()).view
    (risk,) = [one for one in shown.risks if one.scale_fact_id == screened.scale.fact_id]
    assert (risk.level, risk.status, shown.urgency.level) == ("high", "open", "emergency-now")
    notice = await walk.notice_of(walk.prescriber, risk.fact_id)
    assert (notice.priority, notice.suppressed) == (notifications.PRIORITY_STAT, "")
    await walk.acknowledge(notice)
    assert await walk.urgency() == ("emergency-now", "suicide-risk")
    contact = monitoring.RecordRiskContactRequest(risk_id=risk.fact_id, outcome="plan-made", next="call on Monday")
    await walk.tell(walk.prescriber, "monitoring", contact)
    (risk,) = [one for one in (await walk.view()).view.risks if one.fact_id == risk.fact_id]
    assert (risk.status, [one.outcome for one in risk.contacts]) == ("answered", ["plan-made"])
    assert await walk.urgency() == ("none", "")

    # Week 5: what the client felt since days is an emergency of today.
    await walk.go(7)
    felt = await walk.tell(
        walk.client,
        "monitoring",
        monitoring.ReportSideEffectRequest(
            symptom="rigidity, fever, confusion", own_words="since Friday", occurred_at=walk.at(days=3)
        ),
    )
    assert (felt.triage.level, (await walk.urgency())[0]) == ("emergency-now", "emergency-now")
    assert (await walk.notice_of(walk.care_manager, felt.fact_id)).suppressed == ""
    await walk.tell(
        walk.prescriber,
        "monitoring",
        monitoring.ResolveSideEffectRequest(
            side_effect_id=felt.fact_id, outcome="resolved", action_taken="seen in the emergency department"
        ),
    )

    async def calm() -> bool:
        return await walk.urgency() == ("none", "")

    await until(calm)

    # Week 8: a second medicine from next week on is planned until then.
    await walk.go(21)
    order = prescribing.Order(
        medicine=PRAZOSIN,
        daily_dose_mg="1",
        sig="at bedtime",
        days_supply=30,
        starts_on=(walk.today + timedelta(days=7)).isoformat(),
    )
    planned = await walk.tell(
        walk.prescriber,
        "prescribing",
        prescribing.IssuePrescriptionRequest(order=order, at_least=[walk.tokens["assessment"]]),
    )
    assert planned.decision == prescribing.DECISION_ISSUED, planned.reasons
    assert await walk.doses("prazosin") == ("planned", "1", [])
    await walk.go(7)

    async def begun() -> bool:
        return await walk.doses("prazosin") == ("active", "1", [])

    await until(begun)

    # Week 12: the second is stopped; what was known in week 2 still is what was known then.
    await walk.go(28)
    await walk.tell(
        walk.prescriber,
        "prescribing",
        prescribing.DiscontinuePrescriptionRequest(prescription_id=planned.fact_id, status_reason="altchoice"),
    )
    assert (await walk.doses("prazosin"))[0] == "stopped"
    assert await walk.doses("sertraline") == ("active", "100", [("100", True)])
    then = await walk.care_manager.surely(
        "coordination", coordination.GetCareViewAsKnownRequest(patient_id=walk.patient_id, known_at=known_before)
    )
    assert [(one.status, one.daily_dose_mg) for one in then.view.medications.medications] == [("active", "50")]
    assert await walk.urgency() == ("none", "")
