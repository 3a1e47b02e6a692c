"""Striking a fact that monitoring should never have recorded."""

from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.monitoring.domain.events import Event
from services.monitoring.domain.scales import risk_of_scale
from services.monitoring.domain.state import Watch

strike = fact(EnteredInError, MarkEnteredInError, "fact_id", marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, watch: Watch) -> list[Event]:
    """Strikes a fact reported here, and with a scale the risk raised from it. Striking twice changes nothing."""
    risk = risk_of_scale(command.fact_id)
    struck = [command.fact_id] + ([risk] if risk in watch.recorded - watch.struck else [])
    return [strike(command, fact_id=fact_id) for fact_id in struck]
