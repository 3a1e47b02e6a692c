"""Files as typed resources, in the bundles and folders within which they refer to each other. What cannot be read is
counted, never raised, but for a file of which nothing can be."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from careloop.intake.files import LARGEST_BYTES, Document, NotReadable, documents
from careloop.intake.origin import Origin
from careloop.intake.plain import plain, require_plain_meaning
from careloop.intake.references import References
from careloop.intake.releases import other_release
from careloop.intake.shapes.bundles import SHAPES, Bundle, Entry, EntryRequest, Header
from careloop.intake.shapes.elements import Identifier, Reference, Shape
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed, Tally
from careloop.intake.versions import NOT_CLEAR, Version, sort_versions

Resource = TypeVar("Resource", bound=Shape)
NOBODY = Reference()
LONGEST_TYPE = 40
SEARCH = "searchset"
DEEPEST = 3
"""Bundles in bundles; deeper ones are not read, and reported."""
UNKNOWN = "unknown"
TYPE_NOT_USED = "resource-type-not-used"

_RESOURCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]*)?$")
_BUNDLE = msgspec.json.Decoder(Bundle)
_ENTRY = msgspec.json.Decoder(Entry)
_HEADER = msgspec.json.Decoder(Header)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A resource that could not be read, and whom it names as its patient, as far as that can be seen."""

    kind: str
    why: NotUnderstood
    origin: Origin
    subject: Reference = NOBODY


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A page of a search whose next page is not here, and the resource types that it holds."""

    origin: Origin
    kinds: frozenset[str]


@dataclass
class FhirResources:
    """The resources of one bundle, or of the single ones and the searches of a folder."""

    by_type: dict[type[Shape], list[Shape]] = field(default_factory=lambda: defaultdict(list))
    origins: dict[int, Origin] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    unfinished: list[Unfinished] = field(default_factory=list)
    references: References = field(default_factory=lambda: References(()))

    def of(self, shape: type[Resource]) -> list[Resource]:
        return [found for found in self.by_type[shape] if isinstance(found, shape)]

    def origin(self, resource: Shape) -> Origin:
        return self.origins[id(resource)]

    def named(self, shape: type[Resource], reference: Reference, by: Shape) -> Resource | None:
        """The resource that `by` refers to."""
        return self.references.find(shape, reference, self.origin(by))


@dataclass
class _Read:
    """What one file holds: versions still to be sorted, what could not be read, and which pages of a search it has and
    names as the next."""

    versions: list[Version] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)
    next_pages: dict[str, Unfinished] = field(default_factory=dict)

    def add(self, other: "_Read") -> None:
        self.versions += other.versions
        self.left_out += other.left_out
        self.pages |= other.pages
        self.next_pages |= other.next_pages


class FhirReader:
    """Reads file after file. A bundle comes back at once; single resources, and what a search answered, wait for the
    others of their folder."""

    def __init__(self, tally: Tally, *, largest: int = LARGEST_BYTES) -> None:
        self._tally = tally
        self._largest = largest
        self._loose: dict[str, _Read] = defaultdict(_Read)

    def read(self, content: bytes, file: str = "", folder: str = "") -> list[FhirResources]:
        """The bundles of a file. Raises NotReadable; everything smaller is counted."""
        bundles: list[_Read] = []
        loose = _Read()
        tally = Tally()
        for document in documents(content, largest=self._largest):
            bundle = _bundle(document)
            if bundle is None:
                _read_entry(Entry(resource=msgspec.Raw(document.content)), _place(file, document), False, loose, tally)
            elif bundle.type == SEARCH:
                loose.add(_read_bundle(bundle, _place(file, document), tally))
            else:
                bundles.append(_read_bundle(bundle, _place(file, document), tally))
        for read in (*bundles, loose):
            release = other_release(version.resource for version in read.versions if version.resource is not None)
            if release is not None:
                raise NotReadable(f"{release}, not R4")
        self._tally.add(tally)
        self._loose[folder].add(loose)
        return [self._resources(read) for read in bundles]

    def single_resources(self) -> Iterator[FhirResources]:
        """The single resources of each folder, when all its files were read."""
        while self._loose:
            _, read = self._loose.popitem()
            if read.versions or read.left_out or read.next_pages:
                yield self._resources(read)

    def _resources(self, read: _Read) -> FhirResources:
        unfinished = [page for url, page in read.next_pages.items() if url not in read.pages]
        found = FhirResources(left_out=read.left_out, unfinished=unfinished)
        versions = sort_versions(read.versions)
        for version, reason in versions.left_out:
            why = NotUnderstood(reason) if reason in NOT_CLEAR else NotUsed(reason)
            self._tally.leave_out(version.kind, why)
            if isinstance(why, NotUnderstood):
                found.left_out.append(_left_out(version, why))
        for version in versions.standing:
            self._add(version, found)
        found.references = References((one, found.origin(one)) for same in found.by_type.values() for one in same)
        return found

    def _add(self, version: Version, found: FhirResources) -> None:
        content = version.resource or {}
        try:
            require_plain_meaning(content)
            resource = _typed(version.kind, content)
        except NotUnderstood as why:
            self._tally.leave_out(version.kind, why)
            found.left_out.append(_left_out(version, why))
            return
        found.by_type[type(resource)].append(resource)
        found.origins[id(resource)] = version.origin


def _bundle(document: Document) -> Bundle | None:
    """The bundle that the document is; None for a single resource. Raises NotReadable where the whole file is neither;
    a line that is neither is read as a resource, and counted there."""
    try:
        kind = _HEADER.decode(document.content).resource_type
        if kind == "Bundle":
            return _BUNDLE.decode(document.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        kind = ""
    if not kind and not document.line:
        raise NotReadable("not a FHIR resource")
    return None


def _place(file: str, document: Document) -> Origin:
    return Origin(file=file, number=document.line or 1)


def _read_bundle(bundle: Bundle, place: Origin, tally: Tally, depth: int = 1) -> _Read:
    """All its entries, with those of bundles in it, as the answer to a batch has them."""
    read = _Read()
    for number, raw in enumerate(bundle.entry, 1):
        origin = Origin(file=place.file, number=number if depth == 1 else place.number)
        try:
            entry = _ENTRY.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            tally.read += 1
            _leave_out(UNKNOWN, NotUnderstood("malformed"), origin, read, tally)
            continue
        inner = _inner(entry) if depth < DEEPEST else None
        if inner is not None:
            tally.read += 1
            tally.mapped["Bundle"] += 1
            read.add(_read_bundle(inner, origin, tally, depth + 1))
            continue
        origin = replace(origin, full_url=entry.full_url.split("/_history/")[0])
        _read_entry(entry, origin, bundle.type == "history", read, tally)
    if bundle.type == SEARCH:
        kinds = frozenset(version.kind for version in read.versions)
        read.pages |= {bundle.url("self")} - {""}
        if next_page := bundle.url("next"):
            read.next_pages[next_page] = Unfinished(place, kinds)
    return read


def _inner(entry: Entry) -> Bundle | None:
    """The bundle that an entry holds."""
    try:
        is_bundle = bytes(entry.resource) and _HEADER.decode(entry.resource).resource_type == "Bundle"
        return _BUNDLE.decode(entry.resource) if is_bundle else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _read_entry(entry: Entry, origin: Origin, newest_first: bool, read: _Read, tally: Tally) -> None:
    tally.read += 1
    modified = entry.response.last_modified if entry.response else ""
    kind = UNKNOWN
    try:
        deletion = _deletion(entry)
        if deletion is not None:
            kind, resource_id, content = *_deleted(deletion.url), None
            origin = replace(origin, full_url=origin.full_url or deletion.url.split("/_history/")[0])
        else:
            kind = _kind(_header(entry.resource).resource_type)
            _require_used(kind)
            content = plain(entry.resource)
            resource_id = content.get("id", "")
    except NotTakenOver as why:
        _leave_out(kind, why, origin, read, tally)
        return
    read.versions.append(
        Version(
            kind=kind,
            resource_id=resource_id if isinstance(resource_id, str) else "",
            resource=content,
            origin=origin,
            modified=modified,
            newest_first=newest_first,
        )
    )


def _deletion(entry: Entry) -> EntryRequest | None:
    """The request that deletes a resource, whether or not it comes with it; None for one that stands. Raises NotUsed
    for an entry that only asks or answers."""
    if entry.request is not None and entry.request.method == "DELETE":
        return entry.request
    if not bytes(entry.resource) and (entry.request is not None or entry.response is not None):
        raise NotUsed("entry-without-resource")
    return None


def _deleted(url: str) -> tuple[str, str]:
    """Type and id of what the request of an entry deletes, on a server or relative to it, with a version or without."""
    found = _RESOURCE.search(url)
    if found is None:
        raise NotUnderstood("deletion-not-understood", leaves_gap=False)
    return _kind(found[1]), found[2]


def _leave_out(kind: str, why: NotTakenOver, origin: Origin, read: _Read, tally: Tally) -> None:
    tally.leave_out(kind, why)
    if isinstance(why, NotUnderstood):
        read.left_out.append(LeftOut(kind=kind, why=why, origin=origin))


def _require_used(kind: str) -> None:
    if kind == UNKNOWN:
        raise NotUnderstood("resource-type-unknown")
    if kind == "Bundle":
        raise NotUnderstood("bundle-in-bundle")
    if kind not in SHAPES:
        raise NotUsed(TYPE_NOT_USED)


def _header(raw: msgspec.Raw) -> Header:
    try:
        return _HEADER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotUnderstood("malformed") from None


def _kind(resource_type: str) -> str:
    """The type if it can be one: the report shows it, and shows nothing else of a resource."""
    return resource_type if resource_type.isalpha() and len(resource_type) <= LONGEST_TYPE else UNKNOWN


def _typed(kind: str, content: dict[str, Any]) -> Shape:
    try:
        return msgspec.convert(content, SHAPES[kind])
    except (msgspec.MsgspecError, ArithmeticError, RecursionError):
        raise NotUnderstood("malformed") from None


def _left_out(version: Version, why: NotUnderstood) -> LeftOut:
    return LeftOut(kind=version.kind, why=why, origin=version.origin, subject=_subject(version.resource or {}))


def _subject(content: dict[str, Any]) -> Reference:
    """Whom a resource that cannot be read as a whole says that it is about."""
    said = content.get("subject") or content.get("patient")
    if not isinstance(said, dict):
        return NOBODY
    identifier = said.get("identifier")
    try:
        named = msgspec.convert(identifier, Identifier) if isinstance(identifier, dict) else None
    except msgspec.MsgspecError:
        named = None
    reference = said.get("reference")
    return Reference(reference=reference if isinstance(reference, str) else "", identifier=named)
