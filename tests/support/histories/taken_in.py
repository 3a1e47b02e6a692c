"""What the intake makes of files, without sending it anywhere."""

import json
from datetime import UTC, datetime
from typing import Any

from care.assessment.v1 import assessment_pb2 as pb

from careloop.intake.facts import PatientFacts
from careloop.intake.mapping import map_resources
from careloop.intake.reading import FhirReader
from careloop.intake.tally import Tally
from tests.support.histories import fhir
from tests.support.histories.fhir import Json

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def taken_in(*files: bytes, now: datetime = NOW) -> tuple[list[PatientFacts], Tally]:
    """Each person's facts, and the count of all resources. Raises NotReadable for a file that is none."""
    tally = Tally()
    reader = FhirReader(tally)
    found: list[PatientFacts] = []
    for number, content in enumerate(files, 1):
        for resources in reader.read(content, f"{number}.json", "folder"):
            found += map_resources(resources, tally, now=now, time_zone="America/Chicago")
    for resources in reader.single_resources():
        found += map_resources(resources, tally, now=now, time_zone="America/Chicago")
    assert tally.mapped.total() + tally.not_used.total() + tally.not_understood.total() == tally.read
    return found, tally


def mapped(*resources: Json, now: datetime = NOW) -> tuple[list[PatientFacts], Tally]:
    """What becomes of one bundle of these resources."""
    return taken_in(fhir.bundle(*resources), now=now)


def sent(facts: PatientFacts) -> dict[str, Any]:
    """One person's requests, by kind."""
    return {type(request).__name__.removesuffix("Request"): request for request in facts.requests}


def requests(*resources: Json) -> dict[str, Any]:
    """What became of one client's resources, by kind of request."""
    ((facts,), _) = mapped(fhir.patient(), *resources)
    return sent(facts)


def reasons(*resources: Json) -> tuple[list[str], list[str]]:
    """Why some of one client's resources are not used, and why others were not understood."""
    _, tally = mapped(fhir.patient(), *resources)
    return [why for _, why in tally.not_used.elements()], [why for _, why in tally.not_understood.elements()]


def gaps(*resources: Json) -> dict[str, int]:
    """How many entries of each list of one client are said to be missing."""
    ((facts,), _) = mapped(fhir.patient(), *resources)
    return {one.list: one.left_out for one in facts.requests if isinstance(one, pb.RecordListGapsRequest)}


def to_look_at(tally: Tally) -> list[tuple[str, str, str]]:
    """What a person must look at: the place, the resource type and the reason."""
    return [(one.origin.place, one.resource, one.reason) for one in tally.attention]


def lines(*resources: Json) -> bytes:
    """The resources as a bulk export writes them, one a line."""
    return b"\n".join(json.dumps(resource).encode() for resource in resources)
