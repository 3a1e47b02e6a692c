"""Every command of prescribing, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.prescribing.domain.answering import answer_concern
from services.prescribing.domain.confirming import confirm_step
from services.prescribing.domain.discontinuing import discontinue
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.entered_in_error import mark_entered_in_error
from services.prescribing.domain.events import Event
from services.prescribing.domain.holding import change_step, hold_step
from services.prescribing.domain.orders import issue
from services.prescribing.domain.overdue import raise_overdue
from services.prescribing.domain.plan_endings import end_dose_plan
from services.prescribing.domain.plan_time import stop_drug, turn_plan
from services.prescribing.domain.reconciliation import compare_list, resolve_discrepancy
from services.prescribing.domain.signing import sign_dose_plan
from services.prescribing.domain.standing_check import check_standing
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.supply import count_supply
from services.prescribing.domain.taking_effect import take_effect

DECISIONS: Decisions[PrescriptionChart, Event] = Decisions(
    issue,
    change_dose,
    discontinue,
    sign_dose_plan,
    confirm_step,
    hold_step,
    change_step,
    end_dose_plan,
    count_supply,
    resolve_discrepancy,
    answer_concern,
    mark_entered_in_error,
)
"""What people ask for."""

OWN_DECISIONS: Decisions[PrescriptionChart, Event] = Decisions(
    compare_list, raise_overdue, take_effect, turn_plan, stop_drug, check_standing
)
"""What the service decides of itself: about a list that it noted, about what nobody answered in time, when a day has
come, and what a new fact means for what is taken."""
