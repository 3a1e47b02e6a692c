"""A client whose care ended leaves the caseload and stays readable; an emergency brings them back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from careloop.contracts.assessment import EndReason
from careloop.contracts.notifications import Priority
from careloop.contracts.terms import TriageLevel
from services.coordination.domain.view.caseload import is_listed
from services.coordination.domain.view.episode import episode_end
from services.coordination.domain.view.urgency import urgency
from tests.coordination.running import Coordination, coordination
from tests.coordination.telling import all_of, folded
from tests.support.controls import coordination as control
from tests.support.controls.coordination import week
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.stack import PostgresDatabase

END = replace(control.CLOSED_BEFORE, fact_id=fact("closed"), reason=EndReason.COMPLETED, occurred_at=week(10))
DIED = replace(END, fact_id=fact("died"), reason=EndReason.DECEASED, confirm_by=week(11), occurred_at=week(11))
BACK = replace(control.ENROLLED, fact_id=fact("back"), occurred_at=week(12))
NOW = control.side_effect("now", TriageLevel.EMERGENCY_NOW, week(9))
PAGE = replace(control.NOTICE, fact_id=fact("page"), cause_fact=NOW.fact_id, priority=Priority.STAT)
ALIVE = ("assessment", control.ENROLLED)

CASES: list[tuple[str, list[tuple[str, Any]], bool, str]] = [
    ("in care", [ALIVE], True, "none"),
    ("in care, something is open", [ALIVE, ("monitoring", control.RASH)], True, control.RASH.triage.level),
    ("over", [ALIVE, ("assessment", END)], False, "none"),
    ("over, something is open", [ALIVE, ("monitoring", control.RASH), ("assessment", END)], False, "none"),
    ("over, an emergency", [ALIVE, ("assessment", END), ("monitoring", NOW)], True, "emergency-now"),
    ("dead, an emergency of before", [ALIVE, ("monitoring", NOW), ("assessment", DIED)], False, "none"),
    (
        "dead, and yet somebody is paged",
        [ALIVE, ("monitoring", NOW), ("assessment", DIED), ("notifications", PAGE)],
        True,
        "emergency-now",
    ),
    ("back", [ALIVE, ("assessment", END), ("assessment", BACK)], True, "none"),
    ("back, told in another order", [ALIVE, ("assessment", BACK), ("assessment", END)], True, "none"),
    ("the end was a mistake", [ALIVE, ("assessment", END), ("assessment", control.struck(END))], True, "none"),
]


@pytest.fixture
async def care(postgres: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with coordination(postgres) as running:
        yield running


of_every_case = pytest.mark.parametrize(("said", "facts", "listed", "level"), CASES, ids=[case[0] for case in CASES])


@of_every_case
def test_who_is_in_the_caseload_and_how_urgent(
    said: str, facts: list[tuple[str, Any]], listed: bool, level: str
) -> None:
    sections = folded(facts)
    assert (is_listed(sections), urgency(sections).level) == (listed, level), said


@pytest.mark.postgres
@of_every_case
async def test_the_stored_caseload_says_the_same(
    care: Coordination, said: str, facts: list[tuple[str, Any]], listed: bool, level: str
) -> None:
    for source, event in facts:
        await care.tell(source, event)
    lines = await care.care_views.list_caseload(None, 10)
    assert [(line.patient_id, line.urgency.level) for line in lines] == [(PATIENT, level)] * listed, said
    served = await care.care_views.get(PATIENT, (), NOON, 0)
    shown = all_of(served)
    assert (shown.identity is not None, shown.urgency.level) == (True, level), "the view is read as ever"


def test_the_view_says_how_it_ended_and_who_confirmed_it() -> None:
    confirmed = replace(control.DEATH_CONFIRMED, closing=DIED.fact_id)
    open_again = folded([ALIVE, ("assessment", DIED), ("assessment", control.struck(DIED))])
    dead = folded([ALIVE, ("assessment", END), ("assessment", DIED), ("assessment", confirmed)])
    found = episode_end(dead.assessment)
    assert found is not None
    assert (found.reason, found.confirm_by, found.confirmed_by) == ("deceased", week(11), "noor-nurse")
    assert episode_end(open_again.assessment) is None
