"""Striking a fact that monitoring should never have recorded."""

from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.monitoring.domain.doses import extra_of
from services.monitoring.domain.events import Event
from services.monitoring.domain.risk_ends import with_ends
from services.monitoring.domain.scales import risk_of_scale
from services.monitoring.domain.state import Watch
from services.monitoring.domain.too_much import emergency_of

strike = fact(EnteredInError, MarkEnteredInError, "fact_id", marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, watch: Watch) -> list[Event]:
    """Strikes a fact reported here, with a scale the risk raised from it and the ends of risks that rest on it, with a
    dose what it was reported for. Striking twice changes nothing. A risk that ended by it, and not by another
    screening, is open again."""
    wrong = command.fact_id
    with_it = (risk_of_scale(wrong), extra_of(wrong), emergency_of(wrong))
    struck = [wrong, *(one for one in with_it if one in watch.recorded - watch.struck)]
    struck += watch.risks.ends_by(wrong, watch.struck)
    return with_ends([strike(command, fact_id=fact_id) for fact_id in struck], watch)
