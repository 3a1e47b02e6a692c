"""Unary calls from a client that waits for each answer: so many under way at any moment."""

import asyncio
import os
from uuid import UUID, uuid4

import grpc.aio
import uvloop
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub

from bench import protocol
from bench.closed_loop import waiting_tasks

DEADLINE_SECONDS = 10.0


async def run(spec: protocol.Spec) -> None:
    if spec["cores"]:
        os.sched_setaffinity(0, spec["cores"])
    metadata = [tuple(pair) for pair in spec["metadata"]]
    async with grpc.aio.insecure_channel(spec["address"]) as channel:
        stub = AssessmentServiceStub(channel)

        async def record(stream: UUID, version: int, _state: bytes) -> None:
            request = pb.RecordScaleTotalRequest(
                request_id=str(uuid4()), patient_id=str(stream), instrument="phq-9", total=version % 27, source="client"
            )
            await stub.RecordScaleTotal(request, timeout=DEADLINE_SECONDS, metadata=metadata)

        await channel.channel_ready()
        protocol.ready()
        tally = await waiting_tasks(record, spec)
        protocol.answer(**tally.figures())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(protocol.told()))
