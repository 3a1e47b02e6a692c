"""What one version of the pack says that another does not: rules and drugs added, removed and changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from careloop.knowledge.pack.reading import PackInvalid, entries_as_written


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


def difference(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Difference:
    """Between two sets of data files, entry by entry as they are written; each may be of any version of this software.

    Raises PackInvalid, naming the file, for one that holds no entries.
    """
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


def _entries(content: Mapping[str, bytes]) -> dict[tuple[str, str], Mapping[str, object]]:
    """By file and id (or name). Of several entries of one id, as versions of a rule are, the later are numbered."""
    if not content:
        raise PackInvalid("there are no data files")
    found: dict[tuple[str, str], Mapping[str, object]] = {}
    for file in content:
        seen = Counter[str]()
        for entry in entries_as_written(content, file):
            name = str(entry.get("id") or entry.get("name") or entry.get("unit") or "entry")
            seen[name] += 1
            found[file, f"{name}#{seen[name]}" if seen[name] > 1 else name] = entry
    return found


def _changes(file: str, name: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[Change]:
    return [
        Change(file=file, entry=name, field=field, before=_text(old.get(field)), after=_text(new.get(field)))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    ]


def _text(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
