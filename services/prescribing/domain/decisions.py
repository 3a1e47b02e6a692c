"""Every command of prescribing, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.prescribing.domain.discontinuing import discontinue
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.entered_in_error import mark_entered_in_error
from services.prescribing.domain.events import Event
from services.prescribing.domain.orders import issue
from services.prescribing.domain.state import PrescriptionChart

DECISIONS: Decisions[PrescriptionChart, Event] = Decisions(issue, change_dose, discontinue, mark_entered_in_error)
