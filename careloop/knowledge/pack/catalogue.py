"""Every data file of a pack with its entries, those that a reader of their own checks included."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from careloop.knowledge.pack.instruments import read_instruments
from careloop.knowledge.pack.pack import Pack, load
from careloop.knowledge.pack.scale_changes import read_change_rules
from careloop.knowledge.pack.shapes.entries import Basis


@runtime_checkable
class Cited(Protocol):
    """What says where it comes from and how well that was seen."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def basis(self) -> Basis: ...
    @property
    def reviewed(self) -> bool: ...


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """A pack and the entries of all its files, by the file's name."""

    pack: Pack
    files: Mapping[str, tuple[msgspec.Struct, ...]]

    def rules(self) -> Mapping[str, tuple[Cited, ...]]:
        """What clinicians review, by kind (the file's name without its ending); kinds without any are left out."""
        found = {
            file.removesuffix(".yaml"): tuple(entry for entry in listed if isinstance(entry, Cited))
            for file, listed in sorted(self.files.items())
        }
        return {kind: rules for kind, rules in found.items() if rules}


def catalogue(content: Mapping[str, bytes]) -> Catalogue:
    """The catalogue of these data files. Raises PackInvalid as loading does."""
    pack = load(content)
    own: Mapping[str, tuple[msgspec.Struct, ...]] = {
        "instruments.yaml": tuple(read_instruments(content).values()),
        "changes.yaml": read_change_rules(content),
    }
    return Catalogue(pack=pack, files={**pack.files, **own})
