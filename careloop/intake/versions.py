"""Which version of a resource stands, where a bundle or a folder holds several."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.intake.dates import moment
from careloop.intake.origin import Origin

DELETED = "deleted"
OLDER = "older-version"
UNKNOWN_ORDER = "versions-of-unknown-order"


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
        """What all versions of one resource share; a resource without an id is one of its own."""
        if not self.resource_id:
            return (self.origin.file, str(self.origin.number))
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
    def _meta(self) -> dict[str, Any]:
        meta = (self.resource or {}).get("meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True)
class Sorted:
    """`standing` versions are read; the others are left out, each for its reason."""

    standing: list[Version]
    left_out: list[tuple[Version, str]]


def sort_versions(versions: Iterable[Version]) -> Sorted:
    """Of each resource the newest. Where nothing says which is the newest, none stands."""
    by_key: dict[tuple[str, ...], list[Version]] = {}
    for version in versions:
        by_key.setdefault(version.key, []).append(version)
    found = Sorted([], [])
    for same in by_key.values():
        _sort(same, found)
    return found


def _sort(same: Sequence[Version], found: Sorted) -> None:
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
