"""The commands' client: what a refusal says, and whose token a call carries."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub

from careloop.chassis.calls.auth import TokenVerifier, read_public_keys
from careloop.cli.calling.client import Caller, CallRefused, Licence, LocalTokens, Services, run, services
from careloop.contracts.terms import Role
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.local.keys import LocalKeys
from careloop.local.running import NotUp
from tests.support.services.served import Answers, Served, served
from tests.support.services.signing import token

OPERATOR = Caller(role=Role.OPERATOR, subject="op-1")


def client_of(running: Served, deadline: float = 5) -> Services:
    return Services({"assessment": f"127.0.0.1:{running.port}"}, lambda _caller: token(), deadline)


async def status_of(known: Services) -> wire.GetStatusResponse:
    method = OperationsServiceStub(known.channel("assessment")).GetStatus
    return await known.ask("assessment", method, wire.GetStatusRequest(), OPERATOR)


async def refusal_of(answers: Answers, deadline: float = 5) -> CallRefused:
    async with served(answers) as running, client_of(running, deadline) as known:
        with pytest.raises(CallRefused) as raised:
            await status_of(known)
    return raised.value


async def test_an_answer_comes_back() -> None:
    async with served() as running, client_of(running) as known:
        assert (await status_of(known)).service == "assessment"


async def test_a_refusal_tells_the_servers_sentence_reason_and_field() -> None:
    async def refuse(_request: Any) -> None:
        raise InvalidInput("not-a-date", "birth_date is no date.", field="birth_date")

    refusal = await refusal_of(Answers(unary=refuse))
    assert str(refusal) == "assessment: birth_date is no date. [not-a-date, field birth_date]"
    assert (refusal.code, refusal.reason, refusal.field) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "not-a-date",
        "birth_date",
    )


async def test_a_deadline_that_passes_is_said() -> None:
    async def dawdle(_request: Any) -> None:
        await asyncio.Event().wait()

    refusal = await refusal_of(Answers(unary=dawdle), deadline=0.3)
    assert refusal.code in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
    assert refusal.sentence


async def test_a_service_without_an_address_is_named() -> None:
    async with Services({}, lambda _caller: "") as known:
        with pytest.raises(NotUp, match="no address of assessment"):
            known.channel("assessment")


def test_malformed_input_is_wrong_use_and_other_refusals_are_not() -> None:
    async def fail(code: grpc.StatusCode) -> None:
        raise CallRefused("assessment", code, "No.", "slug")

    with pytest.raises(typer.BadParameter):
        run(fail(grpc.StatusCode.INVALID_ARGUMENT))
    with pytest.raises(CallRefused):
        run(fail(grpc.StatusCode.FAILED_PRECONDITION))


async def test_a_rule_of_the_domain_is_told_as_one() -> None:
    async def refuse(_request: Any) -> None:
        raise RuleViolated("already-completed", "The assessment is complete; amend it instead.")

    assert str(await refusal_of(Answers(unary=refuse))) == (
        "assessment: The assessment is complete; amend it instead. [already-completed]"
    )


def test_local_tokens_are_signed_for_the_caller_and_kept(tmp_path: Path) -> None:
    LocalKeys(tmp_path).ensure()
    now = datetime.now(UTC)
    licence = Licence(kind="psychiatrist", valid_from=now - timedelta(days=1), valid_until=now + timedelta(days=1))
    prescriber = Caller(role=Role.PSYCHIATRIST, subject="dr-1", licence=licence)
    tokens = LocalTokens(tmp_path)
    keys = read_public_keys(LocalKeys(tmp_path).public)
    verifier = TokenVerifier(keys, audience="assessment", roles=list(Role), clock=lambda: datetime.now(UTC))
    caller = verifier.verify(tokens(prescriber))
    assert (caller.subject, caller.role) == ("dr-1", "psychiatrist")
    assert caller.credential is not None
    assert tokens(prescriber) == tokens(prescriber) != tokens(OPERATOR)


def test_without_a_key_it_says_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(NotUp, match="give --token"):
        LocalTokens(tmp_path)


def test_addresses_come_from_the_state_folder_and_what_was_said_goes_before(tmp_path: Path) -> None:
    (tmp_path / "addresses.json").write_text('{"grpc": {"assessment": "127.0.0.1:1", "monitoring": "127.0.0.1:2"}}')
    known = services(tmp_path, ["monitoring=10.0.0.1:3"], "a-token", 5)
    assert known.addresses == {"assessment": "127.0.0.1:1", "monitoring": "10.0.0.1:3"}
