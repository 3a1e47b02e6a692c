"""The assessment process with everything around its calls and nothing inside: each is answered at once, empty."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
from care.assessment.v1 import assessment_pb2 as pb

from careloop.chassis.commands.writes import Writes
from careloop.chassis.process.composition import compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts.policy import POLICY
from services.assessment.__main__ import ROOMS, episodes
from services.assessment.domain.decisions import DECISIONS
from services.assessment.grpc_api import AssessmentApi

Context = grpc.aio.ServicerContext[pb.RecordScaleTotalRequest, pb.RecordScaleTotalResponse]


class Noop(AssessmentApi):
    """Answers without looking."""

    async def RecordScaleTotal(  # noqa: N802
        self, request: pb.RecordScaleTotalRequest, context: Context
    ) -> pb.RecordScaleTotalResponse:
        return pb.RecordScaleTotalResponse()


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        ends = episodes(foundation, lambda _source, _partition: False)
        noop = Noop(Writes(foundation.streams, DECISIONS), resources.settings.partitions, episodes=ends)
        yield foundation.service(noop.add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
