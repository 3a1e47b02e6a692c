"""Who may call what, tried on every RPC that the descriptors know, against a real server behind the guard."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message_factory import GetMessageClass

from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import AddServicer, GrpcServer
from careloop.chassis.calls.token_signing import new_key
from careloop.contracts.policy import POLICY
from careloop.contracts.terms import Role
from tests.support.decisions import EVERY_SERVICE, Deciding
from tests.support.services.served import Refused, refused
from tests.support.services.signing import ISSUER, NOW, SERVICE, public_keys, token

PROTOS = Path(__file__).parents[1] / "proto"
PATIENT = "6f1c1f6e-3b7b-4b62-9a53-0f3f1ea6f0c1"
OTHER_PATIENT = "0d7a9f0e-8a35-4d6c-9d6d-6fb7c0f3c111"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """One method, from its descriptor."""

    descriptor: Any

    @property
    def method(self) -> str:
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def audience(self) -> str:
        """A service that serves it; the operations are served by all."""
        package = str(self.descriptor.containing_service.full_name).split(".")[1]
        return "assessment" if package == "operations" else package

    def request(self, patient: str = PATIENT) -> Any:
        message = GetMessageClass(self.descriptor.input_type)()
        for field, value in (("request_id", "request-1"), ("patient_id", patient)):
            if field in self.descriptor.input_type.fields_by_name:
                setattr(message, field, value)
        return message

    def answer(self) -> Any:
        return GetMessageClass(self.descriptor.output_type)()


def every_rpc() -> list[Rpc]:
    found = []
    for proto in sorted(PROTOS.glob("care/*/v1/*.proto")):
        module = import_module(".".join(proto.relative_to(PROTOS).with_suffix("").parts) + "_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            found += [Rpc(descriptor=method) for method in service.methods]
    return found


RPCS = every_rpc()
over_every_rpc = pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.method.rpartition(".")[2])


def answering(rpc: Rpc) -> AddServicer:
    """Answers the one method with an empty message: what is refused was refused before it came here."""
    assert not rpc.descriptor.client_streaming

    async def once(_request: Any, _context: Any) -> Any:
        return rpc.answer()

    async def stream(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield rpc.answer()

    codec: dict[str, Any] = {
        "request_deserializer": type(rpc.request()).FromString,
        "response_serializer": type(rpc.answer()).SerializeToString,
    }
    handler = (
        grpc.unary_stream_rpc_method_handler(stream, **codec)
        if rpc.descriptor.server_streaming
        else grpc.unary_unary_rpc_method_handler(once, **codec)
    )
    generic = grpc.method_handlers_generic_handler(
        rpc.descriptor.containing_service.full_name, {rpc.descriptor.name: handler}
    )
    return lambda server: server.add_generic_rpc_handlers((generic,))


@dataclass(frozen=True, slots=True)
class Caller:
    rpc: Rpc
    channel: grpc.aio.Channel

    async def call(self, bearer: str | None, *, patient: str = PATIENT, timeout: float | None = 5) -> None:
        """One call to its end. Raises what gRPC raises."""
        kind = self.channel.unary_stream if self.rpc.descriptor.server_streaming else self.channel.unary_unary
        request, answer = self.rpc.request(patient), type(self.rpc.answer())
        method: Any = kind(
            self.rpc.method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        metadata = [] if bearer is None else [("authorization", f"Bearer {bearer}")]
        call = method(request, timeout=timeout, metadata=metadata)
        if self.rpc.descriptor.server_streaming:
            assert [one async for one in call] == [answer()]
        else:
            assert await call == answer()

    async def refusal(self, bearer: str | None, **how: Any) -> Refused:
        return await refused(self.call(bearer, **how))


@asynccontextmanager
async def serving(rpc: Rpc) -> AsyncIterator[Caller]:
    verifier = TokenVerifier(public_keys(), audience=rpc.audience, roles=frozenset(Role), clock=lambda: NOW)
    server = GrpcServer(Guard(verifier, POLICY, lambda: NOW, max_deadline_seconds=10), [answering(rpc)])
    port = await server.start("127.0.0.1", 0)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Caller(rpc, channel)
    finally:
        await server.stop()


def bearer(rpc: Rpc, role: str | None = None, **changes: Any) -> str:
    """A good token for a role that may make the call, but for the changes."""
    role = role or min(POLICY[rpc.method])
    key = SERVICE if role == Role.SERVICE else ISSUER
    claims = {"sub": "coordination" if role == Role.SERVICE else "person-1", "role": role}
    if role == Role.CLIENT:
        claims["patient"] = PATIENT
    return token(claims, **{"key": key, "audience": rpc.audience, **changes})


def forged(rpc: Rpc) -> str:
    """Signed by a key that nobody trusts, under the name of one that is trusted."""
    trusted = SERVICE if POLICY[rpc.method] == {Role.SERVICE} else ISSUER
    return bearer(rpc, key=new_key(trusted["kid"]))


BAD_CREDENTIALS: dict[str, tuple[Callable[[Rpc], str | None], str]] = {
    "no token": (lambda rpc: None, "token-required"),
    "bad signature": (forged, "token-invalid"),
    "expired": (lambda rpc: bearer(rpc, issued_at=NOW - timedelta(hours=1)), "token-expired"),
    "another audience": (lambda rpc: bearer(rpc, audience="elsewhere"), "token-invalid"),
}


def test_every_rpc_has_a_row_and_every_row_an_rpc() -> None:
    assert {rpc.method for rpc in RPCS} == set(POLICY)
    assert all(POLICY.values()), "a row without a role is a call that nobody can make"


@pytest.mark.parametrize("deciding", EVERY_SERVICE, ids=lambda deciding: deciding.service)
def test_every_command_is_a_call_of_its_name_and_every_writing_call_a_command(deciding: Deciding) -> None:
    served = [rpc for rpc in RPCS if rpc.method.startswith(f"/care.{deciding.service}.v1.")]
    writing = {rpc.descriptor.name for rpc in served if "request_id" in rpc.descriptor.input_type.fields_by_name}
    assert {command.__name__ for command in deciding.decisions} == writing


@over_every_rpc
@pytest.mark.parametrize("flaw", BAD_CREDENTIALS)
async def test_a_bad_credential_is_not_signed_in(rpc: Rpc, flaw: str) -> None:
    credential, reason = BAD_CREDENTIALS[flaw]
    async with serving(rpc) as caller:
        refusal = await caller.refusal(credential(rpc))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


@over_every_rpc
async def test_roles_of_the_row_are_answered_and_all_others_refused(rpc: Rpc) -> None:
    async with serving(rpc) as caller:
        for role in POLICY[rpc.method]:
            if role != Role.CLIENT or "patient_id" in rpc.descriptor.input_type.fields_by_name:
                await caller.call(bearer(rpc, role))
        for role in set(Role) - POLICY[rpc.method]:
            refusal = await caller.refusal(bearer(rpc, role))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "role-not-allowed"), role


@over_every_rpc
async def test_a_call_needs_a_deadline(rpc: Rpc) -> None:
    async with serving(rpc) as caller:
        refusal = await caller.refusal(bearer(rpc), timeout=None)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "deadline-required")


@pytest.mark.parametrize(
    "rpc",
    [rpc for rpc in RPCS if Role.CLIENT in POLICY.get(rpc.method, ())],
    ids=lambda rpc: rpc.method.rpartition(".")[2],
)
async def test_a_client_reaches_its_own_record_only(rpc: Rpc) -> None:
    async with serving(rpc) as caller:
        refusal = await caller.refusal(bearer(rpc, Role.CLIENT), patient=OTHER_PATIENT)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "not-own-record")
