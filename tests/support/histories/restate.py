"""Stored examples in the published words."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec

from careloop.chassis.events.publishing import published_as


def published_of(service: str) -> dict[type, Any]:
    """Every published stored class of a service, with its contract or with the function that restates it."""
    topics = import_module(f"services.{service}.domain.events").TOPICS
    types = import_module(f"careloop.contracts.{service}").TYPES
    differs = f"services.{service}.published"
    return published_as(topics, types) | (import_module(differs).RESTATED if find_spec(differs) else {})


def restate(event: Any, published: Any) -> Any:
    """The published form: by the function that makes it, or by the same field names."""
    if isinstance(published, type):
        return event if type(event) is published else msgspec.convert(msgspec.to_builtins(event), published)
    return published(event)


def as_published(service: str, examples: Iterable[Any]) -> Iterator[Any]:
    """The published forms of those examples that are published."""
    published = published_of(service)
    return (restate(example, published[type(example)]) for example in examples if type(example) in published)
