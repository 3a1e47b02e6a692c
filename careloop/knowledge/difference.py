"""What one version of the pack says that another does not: rules and drugs added, removed and changed."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from careloop.knowledge.catalogue import Catalogue
from careloop.knowledge.references import label


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of one entry; `before` and `after` are its values as JSON text, empty where the field is not there."""

    file: str
    entry: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Entries are named `file: id`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]


def difference(old: Catalogue, new: Catalogue) -> Difference:
    """Entries of all files by id (or name) and version."""
    before, after = _entries(old), _entries(new)
    return Difference(
        added=tuple(f"{file}: {name}" for file, name in sorted(after.keys() - before.keys())),
        removed=tuple(f"{file}: {name}" for file, name in sorted(before.keys() - after.keys())),
        changed=tuple(
            change
            for key in sorted(before.keys() & after.keys())
            if before[key] != after[key]
            for change in _changes(*key, before[key], after[key])
        ),
    )


def _entries(read: Catalogue) -> dict[tuple[str, str], Mapping[str, object]]:
    """A rule that stands in several versions is told apart by them; other entries of one name are numbered."""
    found: dict[tuple[str, str], Mapping[str, object]] = {}
    for file, listed in read.files.items():
        for entry in listed:
            name = label(entry)
            alike = sum(key == file and known.partition("#")[0] == name for key, known in found)
            found[file, f"{name}#{alike + 1}" if alike else name] = msgspec.to_builtins(entry)
    return found


def _changes(file: str, name: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[Change]:
    return [
        Change(file=file, entry=name, field=field, before=_text(old.get(field)), after=_text(new.get(field)))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    ]


def _text(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
