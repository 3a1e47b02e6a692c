"""Contact with a client at risk: what a clinician learned ends the risk, and nothing else that is reported does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.monitoring import RiskContactOutcome, RiskContactRecorded
from careloop.contracts.terms import NOT_KNOWN_YET
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Length, Named
from careloop.kernel.restating import fact
from services.monitoring.domain.events import Event
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRiskContact(FactCommand):
    """`risk` is one that the contact was about; without one it is about all that are open."""

    risk: Annotated[FactId | None, Named("risk_id")]
    outcome: RiskContactOutcome
    where: Annotated[str, Length(500)] = ""
    next: str = ""
    by_when: datetime | None
    actor: Actor


contacted = fact(RiskContactRecorded, RecordRiskContact, "risks", "flags", recorded_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def record_risk_contact(command: RecordRiskContact, watch: Watch) -> list[Event]:
    """The contact, about the risk that is named and every other one that is open: it was with the client.

    Raises InvalidInput for somebody taken away and no place, or a next step that lies before the contact; NotKnown for
    a risk that was struck; RuleViolated where none is named and none is open. A risk of another service that is not
    known here yet is taken, and flagged.
    """
    _require_whole(command)
    if command.risk in watch.struck:
        raise NotKnown("fact-not-known", "There is no such risk any more.", field="risk_id")
    still_open = [risk.fact_id for risk in watch.risks.open_at(command.occurred_at, watch.struck)]
    if command.risk is None and not still_open:
        raise RuleViolated("no-open-risk", "No risk is open here; name the one in risk_id.", field="risk_id")
    named = [] if command.risk is None else [command.risk]
    unknown = command.risk is not None and not watch.risks.knows(command.risk)
    risks = tuple(dict.fromkeys([*named, *still_open]))
    return [contacted(command, risks=risks, flags=(NOT_KNOWN_YET,) if unknown else UNSET)]


def _require_whole(command: RecordRiskContact) -> None:
    if command.outcome is RiskContactOutcome.TRANSPORTED and not command.where:
        raise InvalidInput("where-required", "where is required for a client who was transported.", field="where")
    if command.by_when is not None and command.by_when < command.occurred_at:
        raise InvalidInput("before-the-contact", "by_when may not lie before the contact.", field="by_when")
