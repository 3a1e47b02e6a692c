"""Reading the whole journal: as frames through gRPC, each checked, or as PostgreSQL's own COPY."""

import asyncio
import time

import asyncpg
import grpc.aio
import uvloop
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub

from bench import protocol
from careloop.cli.calling.journal_frames import frames

LARGEST_MESSAGE = 16 * 1024 * 1024
COPY = "select * from coordination.journal order by position"


async def replayed(spec: protocol.Spec) -> None:
    """Contiguity of every frame is checked by the reader, as `careloop replay` does."""
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]
    async with grpc.aio.insecure_channel(spec["address"], options=options) as channel:
        await channel.channel_ready()
        metadata = [tuple(pair) for pair in spec["metadata"]]
        protocol.ready()
        began, entries, size = time.monotonic(), 0, 0
        stub = CoordinationServiceStub(channel)
        answers = stub.ReadJournalFrames(pb.ReadJournalFramesRequest(), timeout=600, metadata=metadata)
        async for frame in frames(aiter(answers), filtered=False):
            entries += frame.entries
            size += len(frame.rows)
        seconds = time.monotonic() - began
    protocol.answer(per_second=entries / seconds, entries=entries, mb_per_second=size / seconds / 1e6)


async def copied(spec: protocol.Spec) -> None:
    """Bytes are counted and thrown away."""
    connection = await asyncpg.connect(spec["dsn"])
    size = 0

    async def count(data: bytes) -> None:
        nonlocal size
        size += len(data)

    protocol.ready()
    began = time.monotonic()
    status = await connection.copy_from_query(COPY, output=count, format="binary")
    seconds = time.monotonic() - began
    await connection.close()
    entries = int(status.split()[1])
    protocol.answer(per_second=entries / seconds, entries=entries, mb_per_second=size / seconds / 1e6)


if __name__ == "__main__":
    told = protocol.told()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(replayed(told) if "address" in told else copied(told))
