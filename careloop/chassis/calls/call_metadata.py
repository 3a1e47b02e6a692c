"""What comes and goes beside a call's messages: the token, the correlation id, the status."""

from typing import Any
from uuid import UUID, uuid4

import grpc
import grpc.aio

from careloop.kernel.errors import NotSignedIn

CORRELATION = "x-correlation-id"
Context = grpc.aio.ServicerContext[Any, Any]
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


def bearer_token(context: Context) -> str:
    """The token of `authorization: Bearer ...`. Raises NotSignedIn when there is none."""
    kind, _, token = (_metadata(context, "authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotSignedIn("token-required", "A token is required: authorization: Bearer ...")
    return token.strip()


def correlation_id(context: Context) -> UUID:
    """The caller's correlation id if it is a UUID, else a new one: nothing else of a caller's goes into the log."""
    try:
        return UUID(_metadata(context, CORRELATION) or "")
    except ValueError:
        return uuid4()


def status_name(context: Context) -> str:
    """The name of the status as it stands, OK when none was set."""
    code = context.code()
    return _CODES.get(code.value[0] if isinstance(code, grpc.StatusCode) else int(code or 0), "UNKNOWN")


def _metadata(context: Context, name: str) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == name:
            return value if isinstance(value, str) else None
    return None
