"""The assessment process: the only place that knows all of its rooms."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import Field

from careloop.chassis.composition import Rooms, compose
from careloop.chassis.runtime import Resources, Service, run
from careloop.chassis.settings import ServiceSettings
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from careloop.knowledge.suicide_risk import RiskClocks
from services.assessment.application import AssessmentService
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from services.assessment.published import PUBLISHED

ROOMS: Rooms[Assessment, Event] = Rooms(topics=TOPICS, published=PUBLISHED, contracts=contract.TYPES, decider=DECIDER)


class AssessmentSettings(ServiceSettings):
    """Besides the usual: how soon, in seconds, a raised suicide risk needs a contact."""

    high_risk_contact_seconds: float = Field(default=3_600, gt=0)
    risk_contact_seconds: float = Field(default=86_400, gt=0)


def _clocks(settings: ServiceSettings) -> RiskClocks:
    assert isinstance(settings, AssessmentSettings)
    return RiskClocks(
        high=timedelta(seconds=settings.high_risk_contact_seconds),
        raised=timedelta(seconds=settings.risk_contact_seconds),
    )


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        api = AssessmentApi(
            AssessmentService(foundation.streams), resources.settings.partitions, _clocks(resources.settings)
        )
        yield foundation.service(api.add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=AssessmentSettings))
