"""What monitoring tells others of what it stored."""

from typing import Any

import msgspec
import pytest

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.contracts import monitoring as contract
from careloop.contracts import terms
from services.monitoring.domain.events import TOPICS
from tests.support.controls import monitoring as m

PUBLISHED = published_as(TOPICS, contract.TYPES)
TOLD = {
    "SideEffectReported": contract.SideEffectReported,
    "SideEffectResolved": contract.SideEffectResolved,
    "ScaleScored": terms.ScaleScored,
    "RiskRaised": terms.RiskRaised,
    "RiskContactRecorded": contract.RiskContactRecorded,
    "RiskEnded": contract.RiskEnded,
    "ResultActionRaised": contract.ResultActionRaised,
    "ResultActionEnded": contract.ResultActionEnded,
    "DoseRecorded": contract.DoseRecorded,
    "ExtraDoseReported": contract.ExtraDoseReported,
    "EmergencyDeclared": contract.EmergencyDeclared,
    "EnteredInError": terms.EnteredInError,
}
"""What was reported here. What was noted of others they have told themselves."""


def test_everything_reported_here_is_published_and_no_note_is() -> None:
    assert {stored.__name__: told for stored, told in PUBLISHED.items()} == TOLD
    publishing = Publishing("monitoring", Codec(TOPICS), PUBLISHED, contract.TYPES)
    assert publishing.published_topics == {f"monitoring.{name}.v1" for name in TOLD}


@pytest.mark.parametrize(
    "example", [one for one in m.EXAMPLES if type(one) in PUBLISHED], ids=lambda one: type(one).__name__
)
def test_every_field_is_published(example: Any) -> None:
    told: Any = msgspec.convert(example, PUBLISHED[type(example)], from_attributes=True)
    assert msgspec.to_builtins(told) == msgspec.to_builtins(example)
