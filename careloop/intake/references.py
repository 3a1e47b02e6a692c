"""Which resource a reference names: FHIR R4's rules for bundles, and what real records do beside them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import unquote

from careloop.intake.code_systems import system_of
from careloop.intake.identity import names_one_person
from careloop.intake.origin import Origin
from careloop.intake.shapes.elements import Identifier, Reference, Shape
from careloop.intake.shapes.patients import Patient

Resource = TypeVar("Resource", bound=Shape)
Listed = tuple[Shape, Origin]


class References:
    """The resources of one bundle or folder, by every name under which others may refer to them."""

    def __init__(self, listed: Iterable[Listed]) -> None:
        self._by_name: dict[str, list[Listed]] = defaultdict(list)
        self._by_identifier: dict[tuple[str, str], list[Listed]] = defaultdict(list)
        for one in listed:
            for name in _names(*one):
                self._by_name[name].append(one)
            if isinstance(one[0], Patient):
                for identifier in filter(names_one_person, one[0].identifier):
                    self._by_identifier[_key(identifier)].append(one)

    def find(self, shape: type[Resource], reference: Reference, origin: Origin) -> Resource | None:
        """The one resource of that type that the reference, made in an entry of this origin, names; None if there is
        none, it could be several, or its identifier says another."""
        name = reference.reference.split("/_history/")[0]
        found = self._named(shape, name, origin) if name else []
        if not found and reference.identifier is not None and reference.identifier.value:
            found = _of(shape, self._by_identifier[_key(reference.identifier)])
        return found[0][0] if len(found) == 1 and not _contradicts(reference.identifier, found[0][0]) else None

    def _named(self, shape: type[Resource], name: str, origin: Origin) -> list[tuple[Resource, Origin]]:
        if "?" in name:
            return _of(shape, self._sought(name))
        if name.startswith(("http://", "https://", "urn:")):
            return _of(shape, self._by_name[name])
        if origin.root:
            at_home = _of(shape, self._by_name[f"{origin.root}/{name}"])
            if at_home:
                return at_home
        named = _of(shape, self._by_name[name])
        return named if not origin.root else [one for one in named if not one[1].root]

    def _sought(self, name: str) -> list[Listed]:
        """A conditional reference, `Patient?identifier=system|value`."""
        query = unquote(name.partition("?")[2])
        key, _, value = query.partition("=")
        system, _, code = value.partition("|")
        return self._by_identifier[_key(Identifier(system=system, value=code))] if key == "identifier" and code else []


def _contradicts(identifier: Identifier | None, found: Shape) -> bool:
    """Whether the identifier that a reference gives is another person's than the Patient it leads to."""
    if identifier is None or not isinstance(found, Patient) or not names_one_person(identifier):
        return False
    own = {_key(one) for one in found.identifier}
    return _key(identifier) not in own and any(system == _key(identifier)[0] for system, _ in own)


def _of(shape: type[Resource], listed: Iterable[Listed]) -> list[tuple[Resource, Origin]]:
    return [(resource, origin) for resource, origin in listed if isinstance(resource, shape)]


def _key(identifier: Identifier) -> tuple[str, str]:
    return (system_of(identifier.system), identifier.value)


def _names(resource: Shape, origin: Origin) -> frozenset[str]:
    resource_id = getattr(resource, "id", "")
    own = f"{type(resource).__name__}/{resource_id}"
    by_id = {own, f"urn:uuid:{resource_id}"} if resource_id else set()
    if resource_id and origin.root:
        by_id.add(f"{origin.root}/{own}")
    return frozenset(by_id | ({origin.full_url} if origin.full_url else set()))
