"""A process that does nothing but answer health on the address it is told: what the supervisor's tests supervise."""

import asyncio
import os
import signal
import sys

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


async def serve() -> None:
    """Answer until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    servicer = health.aio.HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"{os.environ['CARELOOP_GRPC_HOST']}:{os.environ['CARELOOP_GRPC_PORT']}")
    await server.start()
    sys.stdout.write("listening\n")
    await ended.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(serve())
