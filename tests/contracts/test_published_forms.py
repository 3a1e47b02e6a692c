"""What the relay sends of a stored event has its contract's form to the byte, restated or sent as it is stored."""

from importlib import import_module

import pytest

from careloop.chassis.events.codec import ENCODER, Codec
from careloop.chassis.events.publishing import Publishing
from careloop.local.settings import SERVICES
from tests.support.controls import controls_of
from tests.support.histories.log import rows_of
from tests.support.histories.restate import published_of, restate


@pytest.mark.parametrize("service", SERVICES)
async def test_every_published_event_has_its_contracts_form(service: str) -> None:
    published = published_of(service)
    contracts = import_module(f"careloop.contracts.{service}").TYPES
    examples = controls_of(service).examples
    told = [example for example in examples if type(example) in published]
    codec = Codec(import_module(f"services.{service}.domain.events").TOPICS)
    publishing = Publishing(service, codec, published, contracts)
    rows = await rows_of(*map(codec.encode, told))
    assert publishing.known_part(rows) == rows
    for row, example in zip(rows, told, strict=True):
        contract = restate(example, published[type(example)])
        record = publishing.record(row, previous=0)
        assert (contracts[record.envelope.type], record.value) == (type(contract), ENCODER.encode(contract))
