"""Whatever a bundle holds, the mapping does not raise, and every entry is accounted for."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.intake.files import NotReadable
from careloop.intake.reading import FhirReader
from careloop.intake.tally import Tally
from tests.support.histories import fhir
from tests.support.histories.taken_in import taken_in

WHOLE: dict[str, Any] = json.loads(
    fhir.bundle(
        fhir.patient(),
        fhir.condition(),
        fhir.allergy(),
        fhir.medication(
            status="stopped",
            dosageInstruction=fhir.dosage(50, "mg"),
            dispenseRequest={"expectedSupplyDuration": {"value": 2, "code": "wk"}, "numberOfRepeatsAllowed": 1},
        ),
        fhir.medication(
            medicationCodeableConcept=None,
            medicationReference={"reference": "#m"},
            contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "lithium"}}],
        ),
        fhir.statement(),
        fhir.handed_over(),
        fhir.response(),
        fhir.total(),
        fhir.phq_9(),
    )
)
Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from paths(inner, (*path, key))


def replaced(path: Path, value: Any) -> Any:
    """The whole bundle with another value at one place."""
    if not path:
        return value
    mangled = copy.deepcopy(WHOLE)
    place: Any = mangled
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return mangled


STRANGE = st.sampled_from(
    ["", "\0", "\ud800", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "\x1f", -1, 10**400]
) | st.sampled_from([1e308, -0.0, 1e-320, True, None, 2**63, "1" * 5_000])
ANYTHING = STRANGE | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(list(paths(WHOLE))), ANYTHING)
def test_a_bundle_with_anything_anywhere_is_mapped_or_counted(path: Path, value: Any) -> None:
    content = json.dumps(replaced(path, value)).encode()
    try:
        facts, _ = taken_in(content)
    except NotReadable:
        return
    assert all(request.ByteSize() for one in facts for request in one.requests)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.integers(0, 3_000).map(lambda cut: json.dumps(WHOLE).encode()[:cut]))
def test_bytes_that_are_no_bundle_are_said_to_be_none(content: bytes) -> None:
    tally = Tally()
    with suppress(NotReadable):
        FhirReader(tally).read(content)
    assert tally.read in {0, 1, len(WHOLE["entry"])}
