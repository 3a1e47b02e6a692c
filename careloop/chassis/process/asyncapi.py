"""The AsyncAPI document of one service: every event it publishes, each with its own payload."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from faststream.specification import AsyncAPI

from careloop.chassis.consuming.subscription import ServiceBroker, topic_of


def document(broker: ServiceBroker, types: Mapping[str, type], *, version: str) -> dict[str, Any]:
    """FastStream's document, with one message per event where FastStream has one for the union of all.

    Raises LookupError when an event's payload has no schema of its own.
    """
    service = broker.identity.service
    specification = AsyncAPI(broker.broker, title=f"Careloop {service}", version=version).to_specification()
    whole: dict[str, Any] = msgspec.json.decode(specification.to_json())
    return one_message_per_event(whole, topic_of(service), types)


def one_message_per_event(whole: Mapping[str, Any], topic: str, types: Mapping[str, type]) -> dict[str, Any]:
    """The same document with the published union on `topic` split by wire type."""
    split = copy.deepcopy(dict(whole))
    messages = {wire_type: _message(split, wire_type, cls) for wire_type, cls in types.items()}
    channel_id, channel = _published_channel(split, topic)
    for old in channel["messages"].values():
        split["components"]["messages"].pop(_name(old["$ref"]), None)
    split["components"]["messages"].update(messages)
    channel["messages"] = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    for operation in _operations_on(split, channel_id):
        operation["messages"] = [{"$ref": f"#/channels/{channel_id}/messages/{name}"} for name in messages]
    return split


def _message(document: Mapping[str, Any], wire_type: str, cls: type) -> dict[str, Any]:
    schema = cls.__name__
    if document["components"]["schemas"].get(schema, {}).get("title") != schema:
        raise LookupError(f"{wire_type} has no schema of its own")
    return {
        "name": wire_type,
        "title": schema,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": {"ce_type": {"const": wire_type}}},
        "payload": {"$ref": f"#/components/schemas/{schema}"},
    }


def _published_channel(document: Mapping[str, Any], topic: str) -> tuple[str, dict[str, Any]]:
    sending = {_name(op["channel"]["$ref"]) for op in document["operations"].values() if op["action"] == "send"}
    for channel_id, channel in document["channels"].items():
        if channel_id in sending and channel["address"] == topic:
            return channel_id, channel
    raise LookupError(f"nothing is published on {topic}")


def _operations_on(document: Mapping[str, Any], channel_id: str) -> Iterable[dict[str, Any]]:
    operations: Iterable[dict[str, Any]] = document["operations"].values()
    return [operation for operation in operations if _name(operation["channel"]["$ref"]) == channel_id]


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
