"""The confirmation of a client's death by a second person."""

from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.assessment import DeathConfirmed, EndReason
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotAllowed, NotKnown
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Named
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDeath(FactCommand):
    """`closing` is the end of the episode that says the client died."""

    closing: Annotated[FactId, Named("closing_id")]
    actor: Actor


confirmed = fact(DeathConfirmed, ConfirmDeath, confirmed_by="actor")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def confirm_death(command: ConfirmDeath, state: Assessment) -> list[Event]:
    """The confirmation, once. Raises NotKnown where no death stands under that id, NotAllowed for the person who
    recorded it."""
    ended = state.ended
    if ended is None or ended.reason is not EndReason.DECEASED or ended.fact_id != command.closing:
        raise NotKnown("death-not-known", "No death is recorded under this id.", field="closing_id")
    if command.actor == ended.closed_by:
        raise NotAllowed("second-person-required", "Somebody else than who recorded the death confirms it.")
    if any(one.closing == command.closing for one in state.standing(DeathConfirmed)):
        return []
    return [confirmed(command)]
