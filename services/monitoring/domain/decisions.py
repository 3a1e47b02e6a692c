"""Every command of monitoring, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.monitoring.domain.doses import record_dose
from services.monitoring.domain.entered_in_error import mark_entered_in_error
from services.monitoring.domain.events import Event
from services.monitoring.domain.risk_contacts import record_risk_contact
from services.monitoring.domain.scales import answer_scale
from services.monitoring.domain.side_effects import report_side_effect, resolve_side_effect
from services.monitoring.domain.state import Watch
from services.monitoring.domain.too_much import took_too_much

DECISIONS: Decisions[Watch, Event] = Decisions(
    report_side_effect,
    resolve_side_effect,
    answer_scale,
    record_risk_contact,
    record_dose,
    took_too_much,
    mark_entered_in_error,
    also_after_leaving=[record_risk_contact],
)
