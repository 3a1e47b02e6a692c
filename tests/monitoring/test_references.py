"""A dose refers to a prescription of this client: one that is not known is taken, and says so."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from msgspec import UNSET

from services.monitoring.domain.doses import record_dose
from services.monitoring.domain.state import DECIDER
from tests.support.controls import monitoring as m
from tests.support.controls.moments import NOON, fact
from tests.support.specification import given

OF_OURS = replace(m.RECORD_DOSE, prescription=m.PRESCRIBED.fact_id, occurred_at=NOON)
BEGUN = replace(m.PRESCRIBED, starts_on=NOON.date())


def test_a_dose_of_this_clients_prescription_or_of_none_says_nothing() -> None:
    for command in (OF_OURS, replace(OF_OURS, prescription=None)):
        (dose,) = given(DECIDER, BEGUN).when(record_dose, command).decided
        assert dose.flags is UNSET  # type: ignore[union-attr]


def test_a_dose_of_another_clients_prescription_is_flagged() -> None:
    other = replace(OF_OURS, prescription=fact("another client's"))
    struck = replace(m.LIST_STRUCK, fact_id=BEGUN.fact_id)
    for command, facts in ((other, (BEGUN,)), (OF_OURS, ()), (OF_OURS, (BEGUN, struck))):
        (dose,) = given(DECIDER, *facts).when(record_dose, command).decided
        assert dose.flags == ("not-known-yet",)


@pytest.mark.parametrize(("at", "allowed"), [(NOON - timedelta(days=1), True), (NOON - timedelta(days=2), False)])
def test_no_dose_was_taken_before_its_prescription_began(at: datetime, allowed: bool) -> None:
    """A day's difference may be that of calendars."""
    outcome = given(DECIDER, BEGUN).when(record_dose, replace(OF_OURS, occurred_at=at))
    if allowed:
        assert outcome.decided
    else:
        assert outcome.then_refused("dose-before-start").field == "occurred_at"
