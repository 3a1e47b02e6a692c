"""The gRPC server of a service: health, the service's own servicers behind the guard, reflection where it is local."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from careloop.chassis.calls import guard as grpc_guard
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.tls import TlsFiles, server_credentials

LARGEST_MESSAGE = 4 * 1024 * 1024
MOST_CALLS = 4 * grpc_guard.MOST_CALLS
"""Beyond what the guard refuses gRPC refuses by itself, at once; now and then its caller sees that as CANCELLED."""
READINESS = "readiness"

AddServicer = Callable[[grpc.aio.Server], None]
"""Adds one servicer, by the function generated for it."""

_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.so_reuseport", 0),
)


def _connection_age(seconds: float) -> Sequence[tuple[str, Any]]:
    """After so long a client is asked to connect again, and so finds replicas that came later; 0 asks nobody. gRPC
    lets the calls of the connection end."""
    return (("grpc.max_connection_age_ms", int(seconds * 1000)),) if seconds else ()


class _Naming:
    """Stands in for the server while servicers are added, and notes their names for reflection."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.names: list[str] = [reflection.SERVICE_NAME]
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, name: str, handlers: dict[str, Any]) -> None:
        self.names.append(name)
        self._server.add_registered_method_handlers(name, handlers)


class GrpcServer:
    """Health answers without a token: `""` while the process lives, `readiness` as `set_ready` last said."""

    def __init__(
        self,
        guard: Guard,
        servicers: Iterable[AddServicer],
        *,
        local: bool = False,
        tls: TlsFiles | None = None,
        max_connection_age_seconds: float = 0,
    ) -> None:
        self._guard = guard
        self._tls = tls
        self._server = grpc.aio.server(
            interceptors=[guard],
            maximum_concurrent_rpcs=MOST_CALLS,
            options=(*_OPTIONS, *_connection_age(max_connection_age_seconds)),
        )
        self._health = health.HealthServicer()
        naming = _Naming(self._server)
        for add in (self._add_health, *servicers):
            add(cast(grpc.aio.Server, naming))
        if local:
            reflection.enable_server_reflection(naming.names, self._server)

    def _add_health(self, server: grpc.aio.Server) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)

    async def start(self, host: str, port: int) -> int:
        """Accept calls and answer the port; 0 takes a free one. Not ready until `set_ready` says so."""
        await self.set_ready(ready=False)
        bound = self._bind(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        await self._server.start()
        return bound

    def _bind(self, address: str) -> int:
        if self._tls is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, server_credentials(self._tls))

    async def set_ready(self, *, ready: bool) -> None:
        status = HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING
        await self._health.set(READINESS, status)

    async def drain(self, grace_seconds: float) -> None:
        """Not serving: calls in hand have `grace_seconds` to finish; others are answered UNAVAILABLE all the while.

        The server goes on answering so until its process ends: a call that arrives then finds its connection closed,
        which callers see as UNAVAILABLE too. gRPC's own stop would answer it CANCELLED, as if the caller had.
        """
        await self._health.enter_graceful_shutdown()
        await self._guard.drain(grace_seconds)

    async def stop(self) -> None:
        """Cut every call and free the port, where the process lives on."""
        await self._server.stop(0)
