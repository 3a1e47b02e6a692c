"""Doses taken and skipped."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.monitoring import DoseRecorded, DoseStatus, ReporterKind
from careloop.contracts.terms import NOT_KNOWN_YET, Medicine, Triage
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, FromCall, Named, NewFact, Now, Past
from careloop.kernel.restating import fact
from careloop.knowledge.urgency import triage as knowledge
from services.monitoring.domain.events import Event
from services.monitoring.domain.state import Watch
from services.monitoring.domain.words import names_taken, reporter_of, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDose:
    """`reason` says why a dose was skipped and is required then."""

    fact_id: NewFact
    medicine: Medicine
    prescription: Annotated[FactId | None, Named("prescription_id")]
    status: DoseStatus
    reason: str = ""
    reporter: Annotated[ReporterKind, FromCall(reporter_of)]
    actor: Actor
    occurred_at: Past
    now: Now


recorded = fact(DoseRecorded, RecordDose, "flags", "triage", recorded_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def record_dose(command: RecordDose, watch: Watch) -> list[Event]:
    """A dose taken or skipped. Raises InvalidInput for a skipped dose without a reason, RuleViolated for one of a day
    before the prescription began, or, as a client's day may be another, before the eve of it.

    A prescription that this client is not known to have is taken, and flagged. A reason is read as any other words are.
    """
    if command.status is DoseStatus.SKIPPED and not command.reason:
        raise InvalidInput("reason-required", "reason is required for a skipped dose.", field="reason")
    prescribed = None if command.prescription is None else watch.prescription(command.prescription)
    if prescribed is not None and command.occurred_at.date() < prescribed.starts_on - timedelta(days=1):
        sentence = "occurred_at may not lie before the prescription began."
        raise RuleViolated("dose-before-start", sentence, field="occurred_at")
    unknown = command.prescription is not None and prescribed is None
    return [recorded(command, flags=(NOT_KNOWN_YET,) if unknown else UNSET, triage=_triaged(command, watch))]


def _triaged(command: RecordDose, watch: Watch) -> Triage | UnsetType:
    if not command.reason:
        return UNSET
    written = knowledge.WrittenText(
        text=command.reason,
        by_client=command.reporter is ReporterKind.CLIENT,
        medicines=names_taken(watch, command.occurred_at),
        on=command.occurred_at.date(),
    )
    return stored(knowledge.triage_text(written), command.now)
