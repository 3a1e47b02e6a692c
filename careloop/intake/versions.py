"""Which version of a resource stands, where a bundle or a folder holds several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.intake.dates import moment
from careloop.intake.identity import Person, person
from careloop.intake.origin import Origin
from careloop.intake.shapes.patients import Patient

DELETED = "deleted"
OLDER = "older-version"
UNKNOWN_ORDER = "versions-of-unknown-order"
SEVERAL_PEOPLE = "one-id-of-several-people"
NOT_CLEAR = frozenset({UNKNOWN_ORDER, SEVERAL_PEOPLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One entry's resource, or that it was deleted (None). `newest_first`: the bundle is a history, which FHIR orders
    so."""

    kind: str
    resource_id: str
    resource: dict[str, Any] | None
    origin: Origin
    modified: str = ""
    newest_first: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What all versions of one resource share."""
        base = self.origin.root or (self.origin.full_url if self.origin.full_url.startswith("urn:") else "")
        return (self.kind, self.resource_id, base)

    @property
    def moment(self) -> datetime | None:
        return moment(str(self._meta.get("lastUpdated", ""))) or moment(self.modified)

    @property
    def number(self) -> int | None:
        """The version's number; a server may call versions otherwise."""
        said = str(self._meta.get("versionId", ""))
        return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None

    @property
    def subject(self) -> str:
        """The id of whom it is about, on whatever server and in whatever version."""
        content = self.resource or {}
        said = content.get("subject") or content.get("patient")
        reference = said.get("reference") if isinstance(said, dict) else None
        return reference.split("/_history/")[0].rpartition("/")[2] if isinstance(reference, str) else ""

    @property
    def _meta(self) -> dict[str, Any]:
        meta = (self.resource or {}).get("meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True)
class Sorted:
    """`standing` versions are read; the others are left out, each for its reason."""

    standing: list[Version]
    left_out: list[tuple[Version, str]]


def sort_versions(versions: Iterable[Version]) -> Sorted:
    """Of each resource the newest; one without an id is one of its own. Where nothing says which is the newest, or what
    has the same id is of several people, none stands."""
    by_key: dict[tuple[str, ...], list[Version]] = {}
    for place, version in enumerate(versions):
        by_key.setdefault(version.key if version.resource_id else (str(place),), []).append(version)
    _spread_deletions(by_key)
    found = Sorted([], [])
    for same in by_key.values():
        _sort(same, found)
    return found


def _spread_deletions(by_key: dict[tuple[str, ...], list[Version]]) -> None:
    """An entry that deletes need not say on which server: it deletes the one resource that its file holds under that
    id."""
    for key, deletions in list(by_key.items()):
        if key[-1] == "" and all(version.resource is None for version in deletions):
            files = {version.origin.file for version in deletions}
            meant = [
                other
                for other, same in by_key.items()
                if other != key and other[:2] == key[:2] and files & {version.origin.file for version in same}
            ]
            if len(meant) == 1:
                by_key[meant[0]] = sorted(
                    [*by_key[meant[0]], *by_key.pop(key)], key=lambda version: version.origin.number
                )


def _sort(same: Sequence[Version], found: Sorted) -> None:
    if _of_several_people(same):
        found.left_out.extend((version, SEVERAL_PEOPLE) for version in same)
        return
    newest = same[0] if len(same) == 1 else _newest(same)
    for version in same:
        if newest is None:
            found.left_out.append((version, UNKNOWN_ORDER))
        elif newest.resource is None:
            found.left_out.append((version, DELETED))
        elif version is newest:
            found.standing.append(version)
        else:
            found.left_out.append((version, OLDER))


def _of_several_people(same: Sequence[Version]) -> bool:
    """Whether sources that number alike have met: a history is of one resource, whatever was corrected in it."""
    read = [version for version in same if version.resource is not None]
    if len(read) < 2 or all(version.newest_first for version in read):
        return False
    if read[0].kind != "Patient":
        return len({version.subject for version in read} - {""}) > 1
    people = [found for version in read if (found := _person(version.resource or {})) is not None]
    return any(not people[0].is_same(other) for other in people[1:])


def _person(content: Mapping[str, Any]) -> Person | None:
    try:
        return person(msgspec.convert(content, Patient))
    except (msgspec.MsgspecError, ArithmeticError, RecursionError):
        return None


def _newest(same: Sequence[Version]) -> Version | None:
    """By when it was last updated, else by its number, else by its place in a history; alike in content is one."""
    moments = [version.moment for version in same]
    if None not in moments and len(set(moments)) == len(same):
        return max(same, key=lambda version: version.moment or datetime.min)
    numbers = [version.number for version in same]
    if None not in numbers and len(set(numbers)) == len(same):
        return max(same, key=lambda version: version.number or 0)
    if all(version.newest_first and version.origin.file == same[0].origin.file for version in same):
        return same[0]
    if any(version.resource is None for version in same):
        return next(version for version in same if version.resource is None)
    return same[0] if all(version.resource == same[0].resource for version in same) else None
