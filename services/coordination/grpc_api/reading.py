"""Fields of the requests of `care.coordination.v1`: what is well formed comes back typed, anything else is refused."""

from datetime import datetime, timedelta
from typing import Any

from care.coordination.v1 import coordination_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PersonId
from services.coordination.domain.events import CLIENT
from services.coordination.grpc_api.journal import any_moment

LONGEST_AHEAD = timedelta(days=366)


def person(value: str, field: str) -> PersonId:
    return PersonId(fields.text(value, field, longest=200))


def writer(call: Call) -> PersonId:
    return call.subject if call.patient is None else CLIENT


def email(value: str) -> str:
    address = fields.optional_text(value, "email", longest=320)
    if address and ("@" not in address[1:-1] or any(character.isspace() for character in address)):
        raise InvalidInput("not-an-email", "email must be an address such as name@example.org.", field="email")
    return address


_TeamRequest = pb.AssignTeamMemberRequest | pb.ReleaseTeamMemberRequest


def moment(request: _TeamRequest | pb.PostMessageRequest, field: str, now: datetime) -> datetime:
    return fields.moment(getattr(request, field), given=request.HasField("occurred_at"), now=now, field=field)


def effective_from(request: _TeamRequest, occurred_at: datetime, now: datetime) -> datetime:
    """From when on; planned changes may lie up to a year ahead."""
    if not request.HasField("effective_from"):
        return occurred_at
    return fields.moment(request.effective_from, given=True, now=now + LONGEST_AHEAD, field="effective_from")


def optional_moment(request: pb.GetCareViewAsKnownRequest, field: Any) -> datetime | None:
    return any_moment(getattr(request, field), field) if request.HasField(field) else None
