"""Charts of prescribing as decisions read them."""

from collections.abc import Iterable
from typing import Any

from careloop.knowledge import chart as known
from services.prescribing.domain.events import Event
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.moments import TODAY


def asking(facts: Iterable[Event], **told: Any) -> Asking:
    """About an order of sertraline today, unless told otherwise."""
    return Asking(**{"chart": DECIDER.fold(facts), "order": p.SERTRALINE_50, "as_of": TODAY, **told})


def read(facts: Iterable[Event], **told: Any) -> known.Chart:
    """The chart that the check is asked on."""
    return LATEST.patient_chart(asking(facts, **told))
