"""Calls where certificates are asked for: who is believed, who is not, and that a renewal interrupts nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub

from careloop.chassis.calls.tls import PeerChannels, TlsFiles, TlsUnusable
from tests.support.certificates import Files
from tests.support.services.served import served, with_token


def tls(files: Files, *, mutual: bool = True) -> TlsFiles:
    return TlsFiles(certificate=files.certificate, key=files.key, authority=files.authority, mutual=mutual)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def servers(tmp_path: Path, authority: trustme.CA) -> Files:
    return Files(tmp_path / "server").hold(authority)


@pytest.fixture
def callers(tmp_path: Path, authority: trustme.CA) -> Files:
    return Files(tmp_path / "caller").hold(authority, "assessment")


@asynccontextmanager
async def channels(files: Files) -> AsyncIterator[PeerChannels]:
    opened = PeerChannels(tls(files), ())
    try:
        yield opened
    finally:
        await opened.close()


async def ask(channel: grpc.aio.Channel) -> None:
    stub: Any = OperationsServiceStub(channel)
    await stub.GetStatus(wire.GetStatusRequest(), timeout=5, metadata=with_token())


async def assert_refused(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await ask(channel)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_two_services_of_one_authority_believe_each_other(servers: Files, callers: Files) -> None:
    async with served(tls=tls(servers)) as running, channels(callers) as peers:
        await ask(peers.to(f"127.0.0.1:{running.port}"))


async def test_a_caller_without_a_certificate_is_refused_where_both_show_one(servers: Files) -> None:
    credentials = grpc.ssl_channel_credentials(servers.authority.read_bytes())
    async with (
        served(tls=tls(servers)) as strict,
        served(tls=tls(servers, mutual=False)) as lenient,
        grpc.aio.secure_channel(f"127.0.0.1:{strict.port}", credentials) as refused,
        grpc.aio.secure_channel(f"127.0.0.1:{lenient.port}", credentials) as answered,
    ):
        await assert_refused(refused)
        await ask(answered)


async def test_a_caller_who_does_not_encrypt_is_refused(servers: Files) -> None:
    async with (
        served(tls=tls(servers)) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        await assert_refused(channel)


async def test_another_authority_is_not_believed(servers: Files, tmp_path: Path) -> None:
    stranger = Files(tmp_path / "stranger").hold(trustme.CA(), "assessment")
    async with served(tls=tls(servers)) as running, channels(stranger) as peers:
        await assert_refused(peers.to(f"127.0.0.1:{running.port}"))


async def test_a_certificate_for_another_name_is_not_believed(
    servers: Files, callers: Files, authority: trustme.CA
) -> None:
    servers.hold(authority, "monitoring.example")
    async with served(tls=tls(servers)) as running, channels(callers) as peers:
        await assert_refused(peers.to(f"127.0.0.1:{running.port}"))


async def test_certificates_are_renewed_without_a_failed_call(servers: Files, callers: Files) -> None:
    async with served(tls=tls(servers)) as running, channels(callers) as peers:
        address = f"127.0.0.1:{running.port}"
        first = peers.to(address)
        await ask(first)
        renewed = trustme.CA()
        servers.hold(renewed)
        await ask(first)
        callers.hold(renewed, "assessment")
        second = peers.to(address)
        assert second is not first
        await ask(second)
        await ask(first)


async def test_between_the_writes_of_a_renewal_the_former_certificate_stays_in_use(
    servers: Files, callers: Files, tmp_path: Path, authority: trustme.CA
) -> None:
    other = Files(tmp_path / "other").hold(authority)
    async with served(tls=tls(servers)) as running, channels(callers) as peers:
        servers.key.write_bytes(other.key.read_bytes())
        await ask(peers.to(f"127.0.0.1:{running.port}"))
        servers.certificate.unlink()
        async with channels(callers) as others:
            await ask(others.to(f"127.0.0.1:{running.port}"))


def test_a_key_of_another_certificate_is_found_at_the_start(servers: Files, callers: Files) -> None:
    servers.key.write_bytes(callers.key.read_bytes())
    with pytest.raises(TlsUnusable, match="not usable") as unusable:
        tls(servers).read()
    assert str(servers.key) not in str(unusable.value)
