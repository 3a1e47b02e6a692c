"""What other services say becomes notes and exactly one decision for each cause."""

from dataclasses import replace

import pytest
from msgspec import structs

from careloop.chassis.log.protocol import Unit
from careloop.contracts import assessment, coordination, monitoring, prescribing
from careloop.kernel.errors import Conflict
from careloop.kernel.ids import PatientId, PersonId
from services.notifications.consumers import HEARD
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.events import NoticeDecided, NoticeWithdrawn
from tests.support.controls import coordination as published
from tests.support.controls.moments import PATIENT, fact
from tests.support.services.notices import TEAM, office_in_memory, received, resolved, side_effect, struck

OTHER = PatientId(fact("another patient"))


def kinds(stored: object) -> list[str]:
    return [type(one).__name__ for one in stored]  # type: ignore[attr-defined]


async def test_several_events_of_one_patient_in_one_batch_are_decided_in_their_order() -> None:
    office = office_in_memory()
    await office.hear(*TEAM, side_effect(), struck())
    assert kinds(await office.stored()) == [
        "TeamNoted", "TeamNoted", "NoticeDecided", "NoticeSent", "StrikeNoted", "NoticeWithdrawn",
    ]  # fmt: skip


async def test_a_resolved_side_effect_stops_the_clock_and_a_struck_resolution_starts_another() -> None:
    office = office_in_memory()
    await office.hear(*TEAM, side_effect(), resolved())
    (notice,) = (await office.board()).notices.values()
    assert (notice.status, notice.is_open) == ("resolved", False)
    await office.hear(struck("rash resolved"))
    _, again = (await office.board()).notices.values()
    assert (again.is_open, again.notified, again.decided.cause_fact) == (True, ("dr-osei",), notice.decided.cause_fact)
    before = await office.stored()
    await office.hear(resolved(), struck("rash resolved"))
    assert await office.stored() == before


async def test_an_answer_to_a_discrepancy_ends_its_notice_and_that_of_nobody_having_answered() -> None:
    office = office_in_memory()
    await office.hear(
        *TEAM,
        received("found", "care.prescribing.DiscrepancyFound.v1", published.DISCREPANCY),
        received("overdue", "care.prescribing.DiscrepancyOverdue.v1", published.DISCREPANCY_OVERDUE),
    )
    notices = (await office.board()).notices.values()
    assert [(one.decided.priority, one.is_open) for one in notices] == [("routine", True), ("urgent", True)]
    await office.hear(received("answered", "care.prescribing.DiscrepancyResolved.v1", published.DISCREPANCY_RESOLVED))
    assert [one.status for one in (await office.board()).notices.values()] == ["resolved", "resolved"]


async def test_the_team_of_the_same_batch_is_told() -> None:
    office = office_in_memory()
    await office.hear(*TEAM, side_effect())
    (notice,) = (await office.board()).notices.values()
    assert notice.notified == ("dr-osei",)
    assert notice.decided.detail == "rash, CTCAE grade 3"
    assert notice.decided.kind is CauseKind.SIDE_EFFECT_SAME_DAY


async def test_a_cause_before_its_team_goes_to_whoever_is_on_call() -> None:
    office = office_in_memory()
    await office.hear(side_effect())
    await office.hear(*TEAM)
    (notice,) = (await office.board()).notices.values()
    assert notice.notified == ("on-call",)


async def test_a_batch_that_comes_again_changes_nothing() -> None:
    office = office_in_memory()
    batch = (*TEAM, side_effect(), side_effect("nausea"), struck())
    await office.hear(*batch)
    before = await office.stored()
    await office.hear(*batch)
    await office.hear(*batch[2:])
    assert await office.stored() == before
    assert sum(isinstance(one, NoticeDecided) for one in before) == 2


async def test_a_unit_that_was_decided_twice_at_once_is_stored_once() -> None:
    office = office_in_memory()
    first = await office.consumer.handle([*TEAM, side_effect()])
    second = await office.consumer.handle([*TEAM, side_effect()])
    await office.store.commit(Unit(writes=first.writes))
    await office.store.commit(Unit(writes=second.writes))
    assert kinds(await office.stored()) == ["TeamNoted", "TeamNoted", "NoticeDecided", "NoticeSent"]


async def test_a_decision_on_a_stream_that_moved_meets_conflict_and_is_taken_again() -> None:
    office = office_in_memory()
    decided = await office.consumer.handle([side_effect()])
    await office.hear(*TEAM)
    with pytest.raises(Conflict):
        await office.store.commit(Unit(writes=decided.writes))
    await office.hear(side_effect())
    (notice,) = (await office.board()).notices.values()
    assert notice.notified == ("dr-osei",)


async def test_patients_of_one_batch_have_a_stream_each() -> None:
    office = office_in_memory()
    await office.hear(side_effect(), side_effect(patient=OTHER), struck())
    assert NoticeWithdrawn in {type(one) for one in await office.stored(PATIENT)}
    assert kinds(await office.stored(OTHER)) == ["NoticeDecided", "NoticeSent"]


async def test_what_intake_recorded_notifies_nobody() -> None:
    office = office_in_memory()
    told = side_effect()
    await office.hear(*TEAM, structs.replace(told, envelope=structs.replace(told.envelope, actor=PersonId("intake"))))
    (notice,) = (await office.board()).notices.values()
    assert (notice.decided.suppressed, notice.notified) == ("imported", ())


def test_every_type_that_is_listened_to_is_a_contract_of_its_service() -> None:
    types = assessment.TYPES | prescribing.TYPES | monitoring.TYPES | coordination.TYPES
    assert {name: types[name] for name in HEARD} == {name: contract for name, (contract, _hear) in HEARD.items()}


def test_every_urgent_type_is_listened_to() -> None:
    assert {"care.monitoring.RiskRaised.v1", "care.assessment.RiskRaised.v1"} <= set(HEARD)


async def test_a_late_emergency_of_an_earlier_build_pages_once_and_a_screening_is_noted_once() -> None:
    office = office_in_memory()
    late = side_effect("fever", level="emergency-now")
    await office.hear(*TEAM, late)
    (decided,) = [one for one in await office.stored() if isinstance(one, NoticeDecided)]
    await office.hear_earlier(late)
    assert [one for one in await office.stored() if isinstance(one, NoticeDecided)] == [decided]
    earlier = office_in_memory()
    await earlier.hear(*TEAM)
    await earlier.note(replace(decided, suppressed="old-news", acknowledge_by=None))
    await earlier.hear_earlier(late)
    await earlier.hear_earlier(late)
    (again,) = [one for one in (await earlier.board()).notices.values() if one.is_open]
    assert (again.decided.cause, again.notified) == (decided.cause, ("dr-osei", "maya-manager"))
