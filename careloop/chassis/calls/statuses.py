"""How a refusal looks on the wire: one table from kernel errors to gRPC statuses, with google.rpc.ErrorInfo."""

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from careloop.chassis.events.stored_form import StoredByNewer
from careloop.kernel.errors import (
    AlreadyRecorded,
    CareloopError,
    Conflict,
    InvalidInput,
    NeedsConfirmation,
    NotAllowed,
    NotKnown,
    NotSignedIn,
    Overloaded,
    RequestIdReused,
    RuleViolated,
    Unavailable,
)

DOMAIN = "careloop"

STATUS_OF: dict[type[CareloopError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    RuleViolated: grpc.StatusCode.FAILED_PRECONDITION,
    NeedsConfirmation: grpc.StatusCode.FAILED_PRECONDITION,
    NotKnown: grpc.StatusCode.NOT_FOUND,
    RequestIdReused: grpc.StatusCode.ALREADY_EXISTS,
    AlreadyRecorded: grpc.StatusCode.ALREADY_EXISTS,
    Conflict: grpc.StatusCode.ABORTED,
    NotSignedIn: grpc.StatusCode.UNAUTHENTICATED,
    NotAllowed: grpc.StatusCode.PERMISSION_DENIED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StoredByNewer: grpc.StatusCode.UNAVAILABLE,
}


class Refusal(Exception):
    """A status ready to be sent: code, text and trailing metadata."""

    def __init__(self, code: grpc.StatusCode, sentence: str, info: ErrorInfo) -> None:
        super().__init__(info.reason)
        self.code = code
        self.sentence = sentence
        self._info = info

    def trailing_metadata(self) -> tuple[tuple[str, bytes | str], ...]:
        detail = Any()
        detail.Pack(self._info)
        status = rpc_status.to_status(Status(code=self.code.value[0], message=self.sentence, details=[detail]))
        return tuple(status.trailing_metadata)


def refusal_of(error: CareloopError) -> Refusal:
    """The status of a refusal: its slug as the reason, its field, if any, and its details in the metadata."""
    code = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    named = {"field": error.field} if error.field else {}
    info = ErrorInfo(reason=error.slug, domain=DOMAIN, metadata=error.details | named)
    return Refusal(code, error.sentence, info)


def unexpected(error_id: str) -> Refusal:
    """The status of anything else: a fixed text, never the error's own, and the id under which the log says more."""
    info = ErrorInfo(reason="internal", domain=DOMAIN, metadata={"error_id": error_id})
    return Refusal(grpc.StatusCode.INTERNAL, f"Something went wrong here; the log knows it as {error_id}.", info)
