"""One frozen JSON per event type and shape: what was written once is still read, and still written the same.

`UPDATE_GOLDEN=1 pytest tests/contracts` writes the files of new examples, and never changes one that exists.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from careloop.chassis.events.codec import ENCODER, Codec
from careloop.chassis.events.stored_form import StoredByNewer
from tests.support.controls import controls_of

GOLDEN = Path(__file__).parent / "golden"
SERVICES = ("assessment", "prescribing", "monitoring", "notifications", "coordination")
BUILT = [service for service in SERVICES if find_spec(f"services.{service}") is not None]


@dataclass(frozen=True, slots=True)
class Shape:
    """One event type of one language, stored or published, with the examples of it."""

    name: str
    cls: type
    examples: tuple[Any, ...]

    @property
    def optional(self) -> list[str]:
        """The fields that may be left out."""
        return [
            field.name
            for field in fields(self.cls)
            if field.default is not MISSING or field.default_factory is not MISSING
        ]

    @property
    def fullest(self) -> Any:
        return max(self.examples, key=self._filled)

    @property
    def barest(self) -> Any:
        return min(self.examples, key=self._filled)

    def _filled(self, example: Any) -> int:
        return len(ENCODER.encode(example))


def has_controls(service: str) -> bool:
    return find_spec(f"tests.support.controls.{service}") is not None


def shapes() -> Iterator[Shape]:
    for service in filter(has_controls, BUILT):
        controls = controls_of(service)
        events = import_module(f"services.{service}.domain.events")
        contract = import_module(f"careloop.contracts.{service}")
        for types, examples in ((events.TOPICS, controls.examples), (contract.TYPES, controls.published)):
            for name, cls in types.items():
                yield Shape(name, cls, tuple(example for example in examples if type(example) is cls))


SHAPES = list(shapes())
BY_NAME = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def golden_file(shape: Shape, kind: str) -> Path:
    return GOLDEN / f"{shape.name}.{kind}.json"


def frozen(shape: Shape, kind: str, example: Any) -> bytes:
    """The bytes of the golden file; written first when it is missing and that was asked for."""
    file = golden_file(shape, kind)
    if not file.exists():
        if not os.environ.get("UPDATE_GOLDEN"):
            pytest.fail(f"{file.name} is missing; make it with: UPDATE_GOLDEN=1 pytest tests/contracts")
        file.write_bytes(ENCODER.encode(example) + b"\n")
    return file.read_bytes().rstrip(b"\n")


def check(shape: Shape, kind: str, example: Any) -> None:
    codec: Codec[Any] = Codec({shape.name: shape.cls})
    state = frozen(shape, kind, example)
    decoded = codec.decode(shape.name, state)
    assert codec.encode(decoded) == (shape.name, state), "what was stored is no longer written the same"
    assert decoded in shape.examples, "no example says any more what was stored"


@pytest.mark.parametrize("service", BUILT)
def test_every_service_has_controls(service: str) -> None:
    assert has_controls(service), f"tests/support/controls/{service}.py is missing"


@BY_NAME
def test_the_complete_form_is_still_read_and_still_the_same_bytes(shape: Shape) -> None:
    assert shape.examples, f"controls hold no example of {shape.name}"
    check(shape, "complete", shape.fullest)


def with_field(field: str) -> str:
    return f"with-{field}"


def added() -> Iterator[Any]:
    """Each shape with a field that the examples have and its complete form had not yet when it was frozen."""
    for shape in SHAPES:
        file = golden_file(shape, "complete")
        before = json.loads(file.read_bytes()) if file.exists() else {}
        for field in shape.optional if before else ():
            having = [example for example in shape.examples if field in json.loads(ENCODER.encode(example))]
            if field not in before and having:
                yield pytest.param(shape, field, having[0], id=f"{shape.name} {field}")


@pytest.mark.parametrize(("shape", "field", "example"), list(added()))
def test_a_field_that_came_later_has_a_form_of_its_own(shape: Shape, field: str, example: Any) -> None:
    check(shape, with_field(field), example)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.optional], ids=lambda shape: shape.name)
def test_the_barest_form_is_still_read_and_still_the_same_bytes(shape: Shape) -> None:
    assert len(shape.examples) > 1, f"controls hold no example of {shape.name} without what is optional"
    check(shape, "only-required", shape.barest)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.optional], ids=lambda shape: shape.name)
def test_fields_added_later_may_be_absent_from_what_was_stored_before(shape: Shape) -> None:
    stored = json.loads(ENCODER.encode(shape.barest))
    required = {name: value for name, value in stored.items() if name not in shape.optional}
    codec: Codec[Any] = Codec({shape.name: shape.cls})
    decoded = codec.decode(shape.name, msgspec.json.encode(required))
    assert type(decoded) is shape.cls


@BY_NAME
def test_a_code_of_a_later_build_is_told_apart_from_what_is_broken(shape: Shape) -> None:
    """Every text of the fullest example becomes one that no build knows: only where it is a code, it is said so."""
    codec: Codec[Any] = Codec({shape.name: shape.cls})
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(shape.cls)
    for changed in texts_changed(json.loads(ENCODER.encode(shape.fullest))):
        state = msgspec.json.encode(changed)
        try:
            decoder.decode(state)
        except msgspec.ValidationError as refused:
            expected = StoredByNewer if str(refused).startswith("Invalid enum value") else msgspec.ValidationError
            with pytest.raises(expected):
                codec.decode(shape.name, state)


def texts_changed(content: Any) -> Iterator[Any]:
    """The content with one of its texts changed, for each of them."""
    match content:
        case str():
            yield "of-a-later-build"
        case dict():
            for name, value in content.items():
                yield from ({**content, name: one} for one in texts_changed(value))
        case list():
            for place, value in enumerate(content):
                yield from ([*content[:place], one, *content[place + 1 :]] for one in texts_changed(value))


def test_every_golden_file_belongs_to_a_type_that_can_still_be_read() -> None:
    kinds = (
        (shape, kind) for shape in SHAPES for kind in ("complete", "only-required", *map(with_field, shape.optional))
    )
    known = {golden_file(shape, kind).name for shape, kind in kinds}
    assert {file.name for file in GOLDEN.glob("*.json")} <= known
