"""What assessment publishes: every fact it records, in the same words and codes."""

from enum import StrEnum

import msgspec
import pytest

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing
from careloop.contracts import assessment as contract
from careloop.contracts import terms
from careloop.knowledge.urgency.suicide_risk import RiskLevel
from services.assessment.domain import codes, events
from services.assessment.domain.codes import (
    AllergyType,
    Criticality,
    PregnancyStatus,
    Severity,
    Sex,
    StoppedFor,
    TreatmentResponse,
    VerificationStatus,
)
from services.assessment.published import RESTATED
from tests.support.completeness import never_set
from tests.support.controls import assessment as control
from tests.support.histories.log import rows_of

CODES: list[tuple[type[StrEnum], type[StrEnum]]] = [
    (Sex, contract.Sex),
    (TreatmentResponse, contract.TreatmentResponse),
    (StoppedFor, contract.StoppedFor),
    (Criticality, contract.Criticality),
    (AllergyType, contract.AllergyType),
    (PregnancyStatus, contract.PregnancyStatus),
    (Severity, contract.Severity),
    (VerificationStatus, contract.VerificationStatus),
    (RiskLevel, terms.RiskLevel),
]


def named(cls: type) -> str:
    return cls.__name__


@pytest.mark.parametrize("example", control.EXAMPLES, ids=lambda one: type(one).__name__)
async def test_what_is_published_says_what_was_stored(example: events.Event) -> None:
    codec: Codec[events.Event] = Codec(events.TOPICS)
    publishing = Publishing("assessment", codec, RESTATED, contract.TYPES)
    (row,) = await rows_of(codec.encode(example))
    record = publishing.record(row, previous=0)
    assert record.envelope.type == f"care.assessment.{type(example).__name__}.v1"
    published: object = msgspec.json.decode(record.value, type=contract.TYPES[record.envelope.type])
    assert msgspec.to_builtins(published) == msgspec.to_builtins(example)


def test_every_fact_has_an_example_and_every_field_a_value() -> None:
    assert {type(one) for one in control.EXAMPLES} == set(events.TOPICS.values()) == set(RESTATED)
    assert set(RESTATED.values()) == set(contract.TYPES.values())
    assert never_set(*control.EXAMPLES) == set()


@pytest.mark.parametrize(("stored", "published"), CODES, ids=named)
def test_every_code_is_published_as_it_is_stored(stored: type[StrEnum], published: type[StrEnum]) -> None:
    assert {one.name: one.value for one in stored} == {one.name: one.value for one in published}


def test_no_list_of_codes_is_left_out() -> None:
    own = {
        one
        for page in (codes, events)
        for one in vars(page).values()
        if isinstance(one, type) and issubclass(one, StrEnum)
    }
    assert own - {StrEnum} == {stored for stored, _published in CODES}
