"""A bundle's bytes as typed resources; what cannot be read is counted, never raised."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from careloop.intake.shapes import SHAPES, Bundle, Entry, Header, Shape
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed, Tally

Resource = TypeVar("Resource", bound=Shape)
LONGEST_TYPE = 40
UNKNOWN = "unknown"
TYPE_NOT_USED = "resource-type-not-used"

_BUNDLE = msgspec.json.Decoder(Bundle)
_ENTRY = msgspec.json.Decoder(Entry)
_HEADER = msgspec.json.Decoder(Header)
_DECODERS = {name: msgspec.json.Decoder(shape) for name, shape in SHAPES.items()}


class NotABundle(Exception):
    """The file is not a FHIR R4 bundle in JSON."""


@dataclass
class FhirResources:
    """The resources of one bundle by type, and by every reference by which others may name them."""

    by_type: dict[type[Shape], list[Shape]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, Shape] = field(default_factory=dict)

    def of(self, shape: type[Resource]) -> list[Resource]:
        return [found for found in self.by_type[shape] if isinstance(found, shape)]

    def named(self, shape: type[Resource], reference: str) -> Resource | None:
        found = self.by_name.get(reference)
        return found if isinstance(found, shape) else None


def read_bundle(content: bytes, tally: Tally) -> FhirResources:
    """The resources that the mapping looks at. Raises NotABundle; everything smaller is counted in `tally`."""
    try:
        bundle = _BUNDLE.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotABundle from None
    if bundle.resource_type != "Bundle":
        raise NotABundle
    resources = FhirResources()
    for raw in bundle.entry:
        tally.read += 1
        _read_entry(raw, resources, tally)
    return resources


def _read_entry(raw: msgspec.Raw, resources: FhirResources, tally: Tally) -> None:
    kind = UNKNOWN
    try:
        entry = _decoded(_ENTRY, raw)
        kind = _kind(_decoded(_HEADER, entry.resource).resource_type)
        if kind not in _DECODERS:
            raise NotUnderstood("resource-type-unknown") if kind == UNKNOWN else NotUsed(TYPE_NOT_USED)
        resource = _decoded(_DECODERS[kind], entry.resource)
    except NotTakenOver as why:
        tally.leave_out(kind, why)
        return
    resources.by_type[type(resource)].append(resource)
    for name in _names(entry.full_url, kind, getattr(resource, "id", "")):
        resources.by_name.setdefault(name, resource)


def _kind(resource_type: str) -> str:
    """The type if it can be one: the report shows it, and shows nothing else of a resource."""
    return resource_type if resource_type.isalpha() and len(resource_type) <= LONGEST_TYPE else UNKNOWN


Decoded = TypeVar("Decoded")


def _decoded(decoder: msgspec.json.Decoder[Decoded], raw: msgspec.Raw) -> Decoded:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotUnderstood("malformed") from None


def _names(full_url: str, kind: str, resource_id: str) -> frozenset[str]:
    by_id = {f"{kind}/{resource_id}", f"urn:uuid:{resource_id}"} if resource_id else set()
    return frozenset(by_id | ({full_url} if full_url else set()))
