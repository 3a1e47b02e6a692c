"""Data files as typed entries. A fault names the file and the entry it stands in."""

import os
import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

E = TypeVar("E", bound=msgspec.Struct)
FILES_OF_A_FEW_PACKS = 256
_INDEX = re.compile(r"`\$\[(\d+)\]")


class PackInvalid(ValueError):
    """A data file says something the pack may not: an unknown key, a repeated id or a name that leads nowhere."""


class _StrictLoader(yaml.CSafeLoader):
    """YAML without repeated keys, which plain YAML readers let the last one win."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, object]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(keys) != len(set(keys)):
        raise PackInvalid(f"a key is repeated near line {node.start_mark.line + 1}")
    return loader.construct_mapping(node)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


LEGAL_DATES = "CARELOOP_LEGAL_DATES_FILE"
"""The variable that names an operator's file of ends of legal rules."""


def read_data() -> dict[str, bytes]:
    """The pack's own data files by name, with the operator's file where one is named.

    Raises PackInvalid where that cannot be read.
    """
    folder = files("careloop.knowledge") / "data"
    content = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    if named := os.environ.get(LEGAL_DATES):
        try:
            content["legal-dates.yaml"] = Path(named).read_bytes()
        except OSError as fault:
            raise PackInvalid(f"{LEGAL_DATES}: the file cannot be read: {fault.strerror}") from None
    return content


def parse(content: Mapping[str, bytes], name: str, shape: type[E]) -> tuple[E, ...]:
    """The entries of one data file. Raises PackInvalid naming the file and the entry."""
    if name not in content:
        raise PackInvalid(f"{name}: the file is missing")
    try:
        return _entries(content[name], shape)
    except PackInvalid as fault:
        raise PackInvalid(f"{name}: {fault}") from fault


@lru_cache(maxsize=FILES_OF_A_FEW_PACKS)
def _entries(file: bytes, shape: type[E]) -> tuple[E, ...]:
    """Two packs that are compared share most of their files; entries are frozen, so one reading serves both."""
    read: object = None
    try:
        read = yaml.load(file, _StrictLoader)  # noqa: S506 - built on the safe loader
        return msgspec.convert(read, tuple[shape, ...])  # type: ignore[valid-type]
    except (yaml.YAMLError, msgspec.ValidationError, PackInvalid) as fault:
        raise PackInvalid(f"{_entry_of(read, str(fault))}{fault}") from fault


def entries_as_written(content: Mapping[str, bytes], name: str) -> list[Mapping[str, object]]:
    """The entries of one data file, of whatever version of the pack. Raises PackInvalid naming the file."""
    try:
        read = yaml.load(content[name], _StrictLoader)  # noqa: S506 - built on the safe loader
    except (yaml.YAMLError, PackInvalid) as fault:
        raise PackInvalid(f"{name}: {fault}") from fault
    if not isinstance(read, list) or not all(isinstance(entry, dict) for entry in read):
        raise PackInvalid(f"{name}: not a list of entries")
    return read


def _entry_of(read: object, fault: str) -> str:
    """The id or name of the entry that a validation fault speaks of, for people who do not count entries."""
    found = _INDEX.search(fault)
    if not found or not isinstance(read, list) or not isinstance(entry := read[int(found.group(1))], dict):
        return ""
    named = entry.get("id", entry.get("name"))
    return f"{named}: " if isinstance(named, str) else ""
