"""`careloop status`: what an operator looks at first."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Annotated

import typer
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub
from rich.table import Table

from careloop.cli.calling.client import (
    Addresses,
    AsJson,
    Caller,
    CallRefused,
    Deadline,
    Home,
    Services,
    Token,
    run,
    services,
)
from careloop.cli.terminal.tables import console, print_json, table
from careloop.contracts.terms import Role
from careloop.local.settings import SERVICES

OPERATOR = Caller(role=Role.OPERATOR, subject="careloop-status")
TROUBLED = 1

MaxLag = Annotated[float, typer.Option(help="Seconds of lag that still count as keeping up.", min=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerState:
    """How far one consumer is with one source, over all partitions. `lag_seconds` is None when nothing is known."""

    consumer: str
    source: str
    consumed_position: int
    lag_positions: int
    lag_seconds: float | None
    partitions_behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service's figures, and in words all that an operator should look at; `troubles` is empty if all is well."""

    service: str
    answers: bool
    troubles: tuple[str, ...]
    head_position: int = 0
    head_recorded_at: str | None = None
    relayed_position: int = 0
    relay_lag_seconds: float = 0.0
    broker: str = "unknown"
    parked: int = 0
    due_now: int = 0
    due_later: int = 0
    consumers: tuple[ConsumerState, ...] = ()


def status(  # noqa: PLR0917 - typer hands every option over by name
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 3,
    max_lag: MaxLag = 10,
    as_json: AsJson = False,
) -> None:
    """How far every service, its relay and its consumers are; what is parked and what is due.

    Exits 0 when all keep up, 1 when something is behind, parked or away, 2 for wrong use.
    """
    states = run(_read(services(home, address, token, deadline), max_lag))
    if as_json:
        print_json([asdict(state) for state in states])
    else:
        for shown in tables(states):
            console().print(shown)
    if any(state.troubles for state in states):
        raise typer.Exit(TROUBLED)


async def _read(opened: Services, max_lag: float) -> list[ServiceState]:
    async with opened:
        return await read_states(opened, max_lag)


async def read_states(opened: Services, max_lag: float) -> list[ServiceState]:
    """Every service's state, asked at once."""
    return list(await asyncio.gather(*(_state(opened, service, max_lag) for service in SERVICES)))


async def _state(opened: Services, service: str, max_lag: float) -> ServiceState:
    try:
        method = OperationsServiceStub(opened.channel(service)).GetStatus
        answer = await opened.ask(service, method, wire.GetStatusRequest(), OPERATOR)
    except CallRefused as refusal:
        return ServiceState(service=service, answers=False, troubles=(refusal.sentence,))
    return state_of(answer, max_lag)


def state_of(answer: wire.GetStatusResponse, max_lag: float) -> ServiceState:
    """The figures of an answer, judged: what lags more than `max_lag` seconds is a trouble."""
    taken = _taken(answer.consumers)
    recorded_at = answer.head_recorded_at
    return ServiceState(
        service=answer.service,
        answers=True,
        troubles=tuple(_troubles(answer, taken, max_lag)),
        head_position=answer.head_position,
        head_recorded_at=recorded_at.ToDatetime(UTC).isoformat() if answer.HasField("head_recorded_at") else None,
        relayed_position=answer.relayed_position,
        relay_lag_seconds=round(answer.relay_lag_seconds, 3),
        broker=wire.BrokerState.Name(answer.broker).removeprefix("BROKER_STATE_").lower(),
        parked=answer.parked,
        due_now=answer.due_now,
        due_later=answer.due_later,
        consumers=taken,
    )


def _taken(progress: Sequence[wire.ConsumerProgress]) -> tuple[ConsumerState, ...]:
    grouped: dict[tuple[str, str], list[wire.ConsumerProgress]] = {}
    for one in progress:
        grouped.setdefault((one.consumer, one.source), []).append(one)
    return tuple(
        ConsumerState(
            consumer=consumer,
            source=source,
            consumed_position=max(one.consumed_position for one in partitions),
            lag_positions=sum(one.lag_positions for one in partitions),
            lag_seconds=_worst(partitions),
            partitions_behind=sum(one.lag_positions > 0 for one in partitions),
        )
        for (consumer, source), partitions in grouped.items()
    )


def _worst(partitions: Sequence[wire.ConsumerProgress]) -> float | None:
    if not all(one.HasField("lag_seconds") for one in partitions):
        return None
    return round(max(one.lag_seconds for one in partitions), 3)


def _troubles(answer: wire.GetStatusResponse, taken: Sequence[ConsumerState], max_lag: float) -> list[str]:
    found = []
    if answer.broker != wire.BROKER_STATE_CONNECTED:
        found.append("the broker does not answer")
    if answer.relay_lag_seconds > max_lag:
        found.append(f"relay {answer.relay_lag_seconds:.0f} s behind")
    for one in taken:
        if one.lag_seconds is None:
            found.append(f"{one.consumer}: nothing known of {one.source}")
        elif one.lag_seconds > max_lag:
            found.append(f"{one.consumer}: {one.source} {one.lag_seconds:.0f} s behind")
    if answer.parked:
        found.append(f"{answer.parked} parked, see `careloop parked list`")
    return found


def tables(states: Sequence[ServiceState]) -> list[Table]:
    """One row per service, then one per consumer and source."""
    columns = ("service", ">head", ">relayed", ">relay lag s", "broker", ">parked", ">due now", ">due later", "state")
    of_services = table("Services", columns, [_service_row(state) for state in states])
    rows = [_consumer_row(state.service, one) for state in states for one in state.consumers]
    of = ("service", "consumer", "source", ">consumed", ">lag positions", ">lag s", ">partitions behind")
    return [of_services, table("\nConsumers", of, rows)]


def _service_row(state: ServiceState) -> tuple[object, ...]:
    said = "; ".join(state.troubles) or "ok"
    if not state.answers:
        return (state.service, *("-",) * 7, f"away: {said}")
    return (
        state.service,
        state.head_position,
        state.relayed_position,
        f"{state.relay_lag_seconds:.1f}",
        state.broker,
        state.parked,
        state.due_now,
        state.due_later,
        said,
    )


def _consumer_row(service: str, one: ConsumerState) -> tuple[object, ...]:
    lag = "unknown" if one.lag_seconds is None else f"{one.lag_seconds:.1f}"
    return service, one.consumer, one.source, one.consumed_position, one.lag_positions, lag, one.partitions_behind
