"""Faults on the running system. What is broken comes back; nothing acknowledged is lost or doubled."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import grpc
import pytest
from care.operations.v1 import operations_pb2 as operations

from tests.support.checker.ledger import tables, times_stored
from tests.support.checker.long_forms import TIMES, long
from tests.support.histories.care import Care
from tests.support.processes.breaking import cut_connections, end_server, log_held, processes, until_waiting
from tests.support.processes.flow import dose, enrolled, flowing
from tests.support.processes.instances import Instance
from tests.support.processes.running import System, coordination
from tests.support.waiting import until
from tests.support.wires.lossy_proxy import Loss, LossyProxy, lossy_proxy

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("times", [1, long(TIMES // 4, seconds=TIMES * 10 + 600)])
async def test_postgresql_restarts_at_once_and_the_pools_heal_alone(system: System, times: int) -> None:
    before = processes(system)
    async with flowing(system, await enrolled(system)) as flow:
        for _ in range(times):
            await end_server(system, "postgres", signal.SIGQUIT)
            await system.stack.start_postgres()
            await flow.go_on(40)
    assert set(flow.refused) <= {UNAVAILABLE}
    assert processes(system) == before
    await flow.check()


@pytest.mark.parametrize("times", [5, long(TIMES * 5, seconds=TIMES * 10 + 600)])
async def test_connections_cut_in_the_middle_make_no_conflict(system: System, times: int) -> None:
    chance = random.Random(times)
    async with flowing(system, await enrolled(system)) as flow:
        for _ in range(times):
            await cut_connections(system)
            await flow.go_on(chance.randrange(1, 16))
    assert set(flow.refused) <= {UNAVAILABLE}
    await flow.check()


@pytest.mark.parametrize("commands", [120, long(TIMES * 50, seconds=TIMES * 10 + 600)])
async def test_eight_clients_on_one_patient_take_turns(system: System, commands: int) -> None:
    (care,) = await enrolled(system, 1)
    async with flowing(system, [care] * 8) as flow:
        await flow.go_on(commands, within=60 + commands)
    assert set(flow.refused) <= {grpc.StatusCode.ABORTED}
    await flow.check()
    of_stream = await versions(system, "monitoring", care)
    assert of_stream == list(range(1, len(of_stream) + 1))


async def versions(system: System, service: str, care: Care) -> list[int]:
    async with tables(system) as connection:
        rows = await connection.fetch(
            f"select originator_version from {service}.events where originator_id = $1 order by 1", care.patient_id
        )
    return [row["originator_version"] for row in rows]


async def test_one_request_sent_eight_times_at_once_is_done_once(system: System) -> None:
    (care,) = await enrolled(system, 1)
    request = dose()
    request.patient_id = care.patient_id
    answers = await asyncio.gather(*(care.prescriber.surely("monitoring", request) for _ in range(8)))
    assert len({(answer.fact_id, answer.receipt.token) for answer in answers}) == 1
    assert sum(not answer.receipt.repeated for answer in answers) == 1
    assert await times_stored(system, [request.request_id]) == {request.request_id: 1}


async def test_commands_are_accepted_while_the_broker_is_away_and_views_say_how_old_they_are(system: System) -> None:
    cares = await enrolled(system)
    await cares[0].view()
    async with flowing(system, cares, pause=0.1) as flow:
        await end_server(system, "kafka", signal.SIGKILL)
        await until(lambda: broker_is_away(system))
        await until(lambda: is_stale(cares[0]))
        await flow.go_on(20)
        await system.stack.start_kafka()
        await flow.go_on(20)
    assert not flow.refused
    await flow.check()
    await until(lambda: is_fresh(cares[0]), seconds=30)


async def broker_is_away(system: System) -> bool:
    operator = system.person("operator", "on-call")
    answers = [
        await operator.operations(service, operations.GetStatusRequest()) for service in ("assessment", "monitoring")
    ]
    return all(answer.broker == operations.BROKER_STATE_AWAY for answer in answers)


async def is_stale(care: Care) -> bool:
    shown = await care.care_manager.surely("coordination", coordination.GetCareViewRequest(patient_id=care.patient_id))
    return {source.source for source in shown.freshness if source.stale} >= {"assessment", "monitoring"}


async def is_fresh(care: Care) -> bool:
    shown = await care.care_manager.surely("coordination", coordination.GetCareViewRequest(patient_id=care.patient_id))
    return not any(source.stale for source in shown.freshness)


async def test_sigterm_under_load_ends_each_service_in_good_order(system: System) -> None:
    async with flowing(system, await enrolled(system)) as flow:
        for service in ("assessment", "monitoring"):
            assert await system.supervisor.kill_service(service, signal.SIGTERM) == 0
            system.supervisor.start_service(service)
            await system.supervisor.wait_healthy(service)
            await flow.go_on(20)
    assert set(flow.refused) <= {UNAVAILABLE}
    await flow.check()


@pytest.mark.parametrize("step", ["after load", "after decide"])
async def test_killed_before_the_log_was_told_a_repeat_does_it_once(system: System, step: str) -> None:
    """Either the patient's stream was read and its answer is on the way, or the decision is and the log has it not."""
    (care,) = await enrolled(system, 1)
    request = dose()
    request.patient_id = care.patient_id
    async with behind_a_proxy(system) as (instance, proxy):
        if step == "after load":
            held = proxy.hold(UUID(care.patient_id).bytes, Loss.AFTER)
        else:
            held = proxy.hold(request.request_id.encode(), Loss.BEFORE)
        call = asyncio.create_task(care.prescriber.call("monitoring", request))
        await asyncio.wait_for(held.wait(), 10)
        assert not call.done()
        await instance.end(signal.SIGKILL)
        assert await codes_of([call]) == {UNAVAILABLE}
    assert await times_stored(system, [request.request_id]) == {request.request_id: 0}
    assert not (await care.prescriber.surely("monitoring", request)).receipt.repeated
    assert (await care.prescriber.surely("monitoring", request)).receipt.repeated
    assert await times_stored(system, [request.request_id]) == {request.request_id: 1}


@asynccontextmanager
async def behind_a_proxy(system: System) -> AsyncIterator[tuple[Instance, LossyProxy]]:
    """Callers reach one more process of monitoring, which only takes commands, and reaches its store by the proxy."""
    async with lossy_proxy(system.stack.postgres_dsn("monitoring")) as (proxy, dsn):
        told = {"CARELOOP_POSTGRES_DSN": dsn, "CARELOOP_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
        instance = Instance(system, "monitoring", 1, environment=told)
        instance.start()
        usual = system.channels["monitoring"]
        try:
            await instance.answers()
            async with grpc.aio.insecure_channel(instance.address) as channel:
                system.channels["monitoring"] = channel
                yield instance, proxy
        finally:
            system.channels["monitoring"] = usual
            await instance.process.stop(signal.SIGKILL, 30)


async def test_killed_before_the_commit_a_repeat_does_it_once(system: System) -> None:
    prescriber, request = system.person("psychiatrist", "dr-lee"), dose()
    async with log_held(system, "monitoring"):
        call = asyncio.create_task(prescriber.call("monitoring", request))
        await until_waiting(system)
        await system.supervisor.kill_service("monitoring")
    assert await codes_of([call]) == {UNAVAILABLE}
    system.supervisor.start_service("monitoring")
    await prescriber.surely("monitoring", request)
    assert await times_stored(system, [request.request_id]) == {request.request_id: 1}


async def test_killed_after_the_commit_and_before_the_reply_a_repeat_is_the_first_answer(system: System) -> None:
    """The process is stopped with its unit already at the server, which then commits alone."""
    prescriber, request = system.person("psychiatrist", "dr-lee"), dose()
    async with log_held(system, "monitoring"):
        call = asyncio.create_task(prescriber.call("monitoring", request))
        await until_waiting(system)
        os.kill(system.supervisor.pid("monitoring"), signal.SIGSTOP)
    await until(lambda: is_stored(system, request.request_id))
    await system.restart("monitoring")
    assert await codes_of([call]) == {UNAVAILABLE}
    again = await prescriber.surely("monitoring", request)
    assert again.receipt.repeated
    assert await times_stored(system, [request.request_id]) == {request.request_id: 1}


async def is_stored(system: System, command: str) -> bool:
    return await times_stored(system, [command]) == {command: 1}


async def codes_of(calls: Sequence["asyncio.Task[object]"]) -> set[grpc.StatusCode]:
    """The statuses of calls that all fail."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(failures) == len(calls)
    return {failure.code() for failure in failures}


async def test_callers_that_give_up_leave_nothing_behind_and_a_repeat_answers(system: System) -> None:
    """More callers than the service has connections, each of another patient."""
    prescriber = system.person("psychiatrist", "dr-hasty")
    requests = [dose() for _ in range(30)]
    async with log_held(system, "monitoring"):
        calls = [asyncio.create_task(prescriber.call("monitoring", request, timeout=1)) for request in requests]
        assert await codes_of(calls) <= {DEADLINE_EXCEEDED, UNAVAILABLE}
    await asyncio.gather(*(prescriber.surely("monitoring", request) for request in requests))
    commands = [request.request_id for request in requests]
    assert await times_stored(system, commands) == dict.fromkeys(commands, 1)
    await until(lambda: no_transaction_is_left_open(system, "monitoring"))


async def no_transaction_is_left_open(system: System, service: str) -> bool:
    async with tables(system) as connection:
        left = await connection.fetchval(
            """select count(*) from pg_stat_activity
               where usename = $1 and state <> 'idle' and xact_start < clock_timestamp() - interval '1 second'""",
            service,
        )
    return bool(left == 0)
