"""A client of the services: where they answer, who calls, how long to wait, and what a refusal says to a person.

Commands exit 0 when done, 1 when a service refused or did not answer, 2 for wrong use.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

import grpc
import grpc.aio
import typer
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from careloop.chassis.clock import Clock, clock_of, present
from careloop.cli.calling.encryption import caller_credentials
from careloop.contracts.terms import Role
from careloop.local.keys import LocalKeys
from careloop.local.minting import mint
from careloop.local.running import NotUp
from careloop.local.settings import SERVICES, stack_settings

RequestMessage = TypeVar("RequestMessage")
Answer = TypeVar("Answer")
Result = TypeVar("Result")
TokenFor = Callable[["Caller"], str]

LARGEST_MESSAGE = 16 * 1024 * 1024
TOKEN_MINUTES = 15
RENEW_AFTER = timedelta(minutes=10)

Home = Annotated[
    Path | None,
    typer.Option(help="State folder of the local system; CARELOOP_HOME or .careloop.", show_default=False),
]
Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--address",
        metavar="SERVICE=HOST:PORT",
        help="Where a service answers; may be repeated. Those of the state folder when not given.",
        show_default=False,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="CARELOOP_TOKEN",
        help="Who calls. Signed with the state folder's own key when not given.",
        show_default=False,
    ),
]
Deadline = Annotated[float, typer.Option(help="Seconds to wait for an answer.", min=0.1, max=600)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


class CallRefused(Exception):
    """A service said no, or did not answer. `reason` is the stable slug of its answer, `field` what it is about."""

    def __init__(self, service: str, code: grpc.StatusCode, sentence: str, reason: str = "", field: str = "") -> None:
        self.service, self.code, self.reason, self.field = service, code, reason, field
        self.sentence = sentence
        super().__init__(f"{service}: {sentence} [{reason or code.name}{f', field {field}' if field else ''}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A professional credential that a token attests."""

    kind: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """In whose name a call is made; `patient` for a client's own token."""

    role: Role
    subject: str
    patient: UUID | None = None
    licence: Licence | None = None


class LocalTokens:
    """Tokens signed with the state folder's issuer key, one per caller, renewed long before they expire."""

    def __init__(self, home: Path) -> None:
        if not LocalKeys(home).issuer_file.exists():
            raise NotUp(f"{home} has no key to sign a token with: give --token, or start the system with `careloop up`")
        self._home = home
        self._clock = clock_of(home)
        self._minted: dict[Caller, tuple[str, datetime]] = {}

    def __call__(self, caller: Caller) -> str:
        now = self._clock()
        known = self._minted.get(caller)
        if known is not None and now - known[1] < RENEW_AFTER:
            return known[0]
        token = self._mint(caller, now)
        self._minted[caller] = (token, now)
        return token

    def _mint(self, caller: Caller, now: datetime) -> str:
        shown = caller.licence
        return mint(
            self._home,
            role=caller.role,
            subject=caller.subject,
            now=now,
            ttl=timedelta(minutes=TOKEN_MINUTES),
            patient=caller.patient,
            credential=None
            if shown is None
            else {
                "kind": shown.kind,
                "valid_from": shown.valid_from.isoformat(),
                "valid_until": shown.valid_until.isoformat(),
            },
        )


class Services:
    """Channels to the five services; every call carries a token and a deadline. Use it as an async context."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        token_for: TokenFor,
        deadline: float = 5,
        clock: Clock = present,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """`clock` says what time it is where the services are; without `credentials` calls are not encrypted."""
        self._credentials = credentials
        self.addresses = dict(addresses)
        self.clock = clock
        self.deadline = deadline
        self._token_for = token_for
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        for channel in self._channels.values():
            await channel.close()

    def channel(self, service: str) -> grpc.aio.Channel:
        """Raises NotUp when nobody said where the service answers."""
        if service not in self.addresses:
            raise NotUp(f"no address of {service} is known: give --address {service}=HOST:PORT")
        if service not in self._channels:
            options = (
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_reconnect_backoff_ms", 500),
            )
            address, credentials = self.addresses[service], self._credentials
            self._channels[service] = (
                grpc.aio.insecure_channel(address, options=options)
                if credentials is None
                else grpc.aio.secure_channel(address, credentials, options=options)
            )
        return self._channels[service]

    @property
    def encrypted(self) -> bool:
        return self._credentials is not None

    async def ask(
        self,
        service: str,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestMessage, Answer],
        request: RequestMessage,
        caller: Caller,
        *,
        deadline: float | None = None,
    ) -> Answer:
        """The answer. Raises CallRefused."""
        try:
            return await method(request, timeout=deadline or self.deadline, metadata=self._metadata(caller))
        except grpc.aio.AioRpcError as error:
            raise refused(service, error) from None

    async def stream(
        self,
        service: str,
        method: grpc.aio.UnaryStreamMultiCallable[RequestMessage, Answer],
        request: RequestMessage,
        caller: Caller,
        *,
        deadline: float,
    ) -> AsyncIterator[Answer]:
        """The answers until the server ends or the deadline passes. Raises CallRefused."""
        call = method(request, timeout=deadline, metadata=self._metadata(caller))
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise refused(service, error) from None
        finally:
            call.cancel()

    def _metadata(self, caller: Caller) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._token_for(caller)}"),)


ENDS_EARLY = frozenset({"token-expired", "stream-over"})
"""Why a server ends a stream whose caller may go on behind the last answer, with a fresh token."""


async def following(begin: Callable[[], AsyncIterator[Answer]]) -> AsyncIterator[Answer]:
    """All answers of streams that follow each other: `begin` asks for what comes after the last one that was taken.

    Raises CallRefused for any other end than a stream's own, and for a stream that brought nothing.
    """
    while True:
        brought = False
        try:
            async for answer in begin():
                brought = True
                yield answer
            return
        except CallRefused as refusal:
            if refusal.reason not in ENDS_EARLY or not brought:
                raise


def refused(service: str, error: grpc.aio.AioRpcError) -> CallRefused:
    """What the refusal says: the server's own sentence where it gave one, else what is known of the connection."""
    info = _error_info(error)
    code = error.code()
    if info is not None:
        return CallRefused(service, code, error.details() or "", info.reason, info.metadata.get("field", ""))
    if code is grpc.StatusCode.UNAVAILABLE:
        return CallRefused(service, code, "it does not answer; is it running?", "not-reachable")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return CallRefused(service, code, "no answer within the deadline.", "deadline-exceeded")
    return CallRefused(service, code, error.details() or code.name)


def _error_info(error: grpc.aio.AioRpcError) -> ErrorInfo | None:
    status = rpc_status.from_call(error)
    info = ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return info
    return None


def services(home: Path | None, addresses: list[str] | None, token: str | None, deadline: float) -> Services:
    """The services as the options say, or as the state folder knows them. Raises NotUp or typer.BadParameter."""
    folder = stack_settings(home=home).state_folder
    known = _recorded(folder) | dict(_parsed(given) for given in addresses or ())
    if not known:
        raise NotUp(f"{folder} knows no running system: start it with `careloop up`, or give --address")
    token_for: TokenFor = LocalTokens(folder) if token is None else lambda _caller: token
    return Services(known, token_for, deadline, clock_of(folder), caller_credentials())


def _recorded(folder: Path) -> dict[str, str]:
    """Addresses as the supervisor wrote them down."""
    file = folder / "addresses.json"
    try:
        known: dict[str, str] = json.loads(file.read_text())["grpc"]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, LookupError, TypeError):
        raise NotUp(f"{file} is damaged: start the system again with `careloop up`") from None
    return known


def _parsed(given: str) -> tuple[str, str]:
    service, _, address = given.partition("=")
    if service not in SERVICES or ":" not in address:
        raise typer.BadParameter(
            f"{given} is not SERVICE=HOST:PORT with one of: {', '.join(SERVICES)}", param_hint="--address"
        )
    return service, address


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work. What a service calls malformed input is wrong use: exit code 2."""
    try:
        return asyncio.run(work)
    except CallRefused as refusal:
        if refusal.code is grpc.StatusCode.INVALID_ARGUMENT:
            raise typer.BadParameter(str(refusal)) from None
        raise
