"""Doses taken and skipped; a second one within minutes is asked about, and too much is an emergency."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.monitoring import DoseRecorded, DoseStatus, ExtraDoseReported, ReporterKind
from careloop.contracts.terms import NOT_KNOWN_YET, Medicine, Triage
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, NeedsConfirmation, RuleViolated
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Actor, FromCall, Named, NewFact, Now, Past
from careloop.kernel.restating import fact
from careloop.knowledge.urgency import triage as knowledge
from careloop.knowledge.urgency.extra_doses import ExtraDoseFinding, extra_dose
from services.monitoring.domain.events import Event
from services.monitoring.domain.medicines import same_medicine
from services.monitoring.domain.state import Watch
from services.monitoring.domain.too_much import too_much
from services.monitoring.domain.words import names_taken, reporter_of, stored

DOUBLE_TAP = timedelta(minutes=5)


class DoseSaid(StrEnum):
    """What was done with a dose."""

    TAKEN = "taken"
    SKIPPED = "skipped"


class SecondDose(StrEnum):
    """Whether a second one was taken."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDose:
    """`reason` says why a dose was skipped and is required then; `amount_mg` in milligrams, None where nobody said."""

    fact_id: NewFact
    medicine: Medicine
    prescription: Annotated[FactId | None, Named("prescription_id")]
    status: DoseSaid
    reason: str = ""
    reporter: Annotated[ReporterKind, FromCall(reporter_of)]
    amount_mg: Decimal | None = None
    second_dose: SecondDose | None = None
    actor: Actor
    occurred_at: Past
    now: Now


recorded = fact(DoseRecorded, RecordDose, "status", "amount_mg", "flags", "triage", recorded_by="actor")
reported = fact(ExtraDoseReported, (RecordDose, ExtraDoseFinding), "fact_id", "due_at", dose="fact_id")


@guarded(Guard.REPEAT, Guard.PAST)
def record_dose(command: RecordDose, watch: Watch) -> list[Event]:
    """A dose taken or skipped. Raises InvalidInput for a skipped dose without a reason, RuleViolated for one of a day
    before the prescription began, or, as a client's day may be another, before the eve of it.

    A second one of the same medicine within five minutes, by the same person, raises NeedsConfirmation until
    `second_dose` says whether it was taken: it is extra then, and nothing otherwise. An extra dose of what is dangerous
    in overdose is reported, and twice the daily dose within 24 hours is an emergency. A prescription that this client
    is not known to have is taken, and flagged. A reason is read as any other words are.
    """
    if command.status is DoseSaid.SKIPPED and not command.reason:
        raise InvalidInput("reason-required", "reason is required for a skipped dose.", field="reason")
    if command.amount_mg is not None and command.amount_mg <= 0:
        raise InvalidInput("not-an-amount", "amount_mg must be above 0.", field="amount_mg")
    prescribed = None if command.prescription is None else watch.prescription(command.prescription)
    if prescribed is not None and command.occurred_at.date() < prescribed.starts_on - timedelta(days=1):
        sentence = "occurred_at may not lie before the prescription began."
        raise RuleViolated("dose-before-start", sentence, field="occurred_at")
    status = _status(command, watch)
    if status is None:
        return []
    unknown = command.prescription is not None and prescribed is None
    amount = UNSET if command.amount_mg is None else command.amount_mg
    flags = (NOT_KNOWN_YET,) if unknown else UNSET
    dose = recorded(command, status=status, amount_mg=amount, flags=flags, triage=_triaged(command, watch))
    return [dose, *_extra(dose, command, watch), *too_much(dose, watch)]


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


def _status(command: RecordDose, watch: Watch) -> DoseStatus | None:
    """What is stored of it; None for a button that was pressed twice."""
    if command.status is DoseSaid.SKIPPED:
        return DoseStatus.SKIPPED
    before = _just_before(command, watch)
    if command.second_dose is SecondDose.YES:
        return DoseStatus.EXTRA
    if before is None:
        return DoseStatus.TAKEN
    if command.second_dose is None:
        raise _second_dose(before, watch)
    return None


def _just_before(command: RecordDose, watch: Watch) -> DoseRecorded | None:
    """The dose beside which this one may be a second one."""
    mine = (one for one in watch.taken() if one.recorded_by == command.actor)
    near = (one for one in mine if abs(one.occurred_at - command.occurred_at) <= DOUBLE_TAP)
    return next((one for one in near if same_medicine(one.medicine, command.medicine)), None)


def _second_dose(before: DoseRecorded, watch: Watch) -> NeedsConfirmation:
    at = before.occurred_at.astimezone(watch.zone)
    sentence = f"Already noted at {at:%H:%M}. Did you take a second one?"
    return NeedsConfirmation(
        "second-dose", sentence, field="second_dose", said={"question": sentence, "already_noted": str(before.fact_id)}
    )


def _extra(dose: DoseRecorded, command: RecordDose, watch: Watch) -> list[Event]:
    if dose.status is not DoseStatus.EXTRA:
        return []
    day = dose.occurred_at.date()
    beside = tuple(one.name for one in watch.taken_on(day) or ())
    found = extra_dose(dose.medicine.name, dose.medicine.rxcui, day, beside)
    if found is None:
        return []
    return [reported(command, found, fact_id=extra_of(dose.fact_id), due_at=command.now + found.within)]


def extra_of(dose: FactId) -> FactId:
    """The fact that this dose was reported, named by the dose."""
    return FactId(derived_id("monitoring", "extra-dose", dose))
