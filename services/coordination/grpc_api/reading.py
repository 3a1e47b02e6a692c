"""Fields of the requests of `care.coordination.v1`: what is well formed comes back typed, anything else is refused."""

from datetime import datetime, timedelta
from typing import Any

from care.coordination.v1 import coordination_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call
from careloop.kernel.errors import InvalidInput
from services.coordination.grpc_api.journal import any_moment

LONGEST_AHEAD = timedelta(days=366)


def email(request: pb.AssignTeamMemberRequest, _call: Call) -> str:
    address = fields.optional_text(request.email, "email", longest=320)
    if address and ("@" not in address[1:-1] or any(character.isspace() for character in address)):
        raise InvalidInput("not-an-email", "email must be an address such as name@example.org.", field="email")
    return address


def effective_from(request: pb.AssignTeamMemberRequest | pb.ReleaseTeamMemberRequest, call: Call) -> datetime:
    """From when on, at most a year ahead; where the request leaves it out, from when it was decided."""
    if request.HasField("effective_from"):
        return fields.moment(request.effective_from, given=True, now=call.now + LONGEST_AHEAD, field="effective_from")
    return fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=call.now)


def optional_moment(request: pb.GetCareViewAsKnownRequest, field: Any) -> datetime | None:
    return any_moment(getattr(request, field), field) if request.HasField(field) else None
