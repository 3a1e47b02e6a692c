"""What a screening, a risk or a strike means for the risks that are open: each end is a fact of its own."""

from collections.abc import Iterable

from careloop.contracts.terms import EnteredInError
from services.monitoring.domain.events import Event
from services.monitoring.domain.noted import RiskNoted, ScreeningNoted, StrikeNoted
from services.monitoring.domain.state import Watch, evolve

OURSELVES = "monitoring"
SCREENING_STRUCK = "screening-struck"


def follow_risk(noted: RiskNoted | ScreeningNoted | StrikeNoted, watch: Watch) -> list[Event]:
    """What assessment said of a risk, once, and the ends that follow. A screening that was struck ended nothing."""
    if isinstance(noted, StrikeNoted):
        return _struck(noted, watch)
    return [] if noted.evidence in watch.followed else with_ends([noted], watch)


def _struck(strike: StrikeNoted, watch: Watch) -> list[Event]:
    ends = watch.risks.ends_by(strike.fact_id, watch.struck)
    events: list[Event] = [] if strike.fact_id in watch.struck or not ends else [strike]
    events += [
        EnteredInError(fact_id=end, reason=SCREENING_STRUCK, marked_by=OURSELVES, occurred_at=strike.occurred_at)
        for end in ends
    ]
    return with_ends(events, watch) if events else []


def with_ends(events: list[Event], watch: Watch) -> list[Event]:
    """These events, and the end of every risk after which a clinician screened."""
    return [*events, *_after(events, watch).newly_ended()]


def _after(events: Iterable[Event], watch: Watch) -> Watch:
    for event in events:
        watch = evolve(watch, event)
    return watch
