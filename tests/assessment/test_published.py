"""What assessment publishes: every fact it records, in the same words and codes."""

import msgspec
import pytest

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.contracts import assessment as contract
from services.assessment.domain import events
from tests.support.completeness import never_set
from tests.support.controls import assessment as control
from tests.support.histories.log import rows_of

NOTES = set(events.TOPICS.values()) - set(contract.TYPES.values())


@pytest.mark.parametrize(
    "example", [one for one in control.EXAMPLES if type(one) not in NOTES], ids=lambda one: type(one).__name__
)
async def test_what_is_published_says_what_was_stored(example: events.Event) -> None:
    codec: Codec[events.Event] = Codec(events.TOPICS)
    publishing = Publishing("assessment", codec, published_as(events.TOPICS, contract.TYPES), contract.TYPES)
    (row,) = await rows_of(codec.encode(example))
    record = publishing.record(row, previous=0)
    assert record.envelope.type == f"care.assessment.{type(example).__name__}.v1"
    published: object = msgspec.json.decode(record.value, type=contract.TYPES[record.envelope.type])
    assert msgspec.to_builtins(published) == msgspec.to_builtins(example)


def test_every_fact_has_an_example_and_every_field_a_value() -> None:
    assert {type(one) for one in control.EXAMPLES} == set(events.TOPICS.values())
    assert {kind.__name__ for kind in NOTES} == {
        "MembershipNoted",
        "MembershipEndNoted",
        "PrescriptionNoted",
        "PrescriptionEndNoted",
        "RiskNoted",
        "RisksSeenToNoted",
        "ScreenNoted",
        "EmergencyNoted",
        "ConcernsNoted",
        "ConcernClosedNoted",
        "SideEffectNoted",
        "ResolutionNoted",
        "EmergencyNoticeNoted",
        "AcknowledgementNoted",
        "StrikeNoted",
    }
    assert never_set(*control.EXAMPLES) == set()
