"""Every command of prescribing, with the decision that answers it."""

from collections.abc import Mapping
from typing import Any

from careloop.kernel.decisions import Decision, Decisions
from services.prescribing.domain.discontinuing import discontinue
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.entered_in_error import mark_entered_in_error
from services.prescribing.domain.events import Event
from services.prescribing.domain.orders import issue
from services.prescribing.domain.reconciliation import compare_list, resolve_discrepancy
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.supply import count_supply

DECISIONS: Decisions[PrescriptionChart, Event] = Decisions(
    issue, change_dose, discontinue, count_supply, resolve_discrepancy, mark_entered_in_error
)
OWN_DECISIONS: Mapping[type, Decision[Any, PrescriptionChart, Event]] = {compare_list.command: compare_list}
"""What the service decides of itself."""
