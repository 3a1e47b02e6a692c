"""What results demand while a drug is taken, as the view shows it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from careloop.contracts.monitoring import ResultActionRaised
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.sections.monitoring import MonitoringSection

SEVERITIES = ("contraindicated", "high", "moderate", "low")
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAction:
    fact_id: FactId
    rule: str
    rule_version: int
    drug: str
    measure: str
    severity: str
    message: str
    action: str
    recheck_by: date | None
    due_at: Instant | None
    result: FactId
    occurred_at: Instant


result_action = shown(ResultAction, ResultActionRaised)


def open_demands(section: MonitoringSection) -> list[ResultActionRaised]:
    over = {dated.fact.raised for dated in section.settled}
    return [dated.fact for dated in section.demanded if dated.fact.fact_id not in over]


def result_actions(section: MonitoringSection) -> tuple[ResultAction, ...]:
    """Those that nothing has settled, the gravest first."""
    found = sorted(open_demands(section), key=lambda one: (_rank(one.severity), one.due_at or _NEVER, one.fact_id))
    return tuple(map(result_action, found))


def _rank(severity: str) -> int:
    """A severity that is not known here counts as the gravest."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0
