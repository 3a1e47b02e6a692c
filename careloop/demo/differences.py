"""What differs between two states of a patient's care view, entry by entry, in a few words each."""

from collections.abc import Callable, Iterator
from typing import Any

from care.coordination.v1 import coordination_pb2 as pb
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from careloop.cli.terminal.tables import when


def differences(before: pb.CareView, after: pb.CareView) -> list[str]:
    """One line for each entry that is only in one of the two (`-` before, `+` after), and for each changed value."""
    return [line for field in after.DESCRIPTOR.fields for line in _of_field(field.name, before, after)]


def _of_field(name: str, before: pb.CareView, after: pb.CareView) -> Iterator[str]:
    was, now, title = getattr(before, name), getattr(after, name), name.replace("_", " ")
    if was == now:
        return
    if isinstance(now, str | Message):
        yield f"  {title}: {_words(was)} -> {_words(now)}"
        return
    yield from (f"- {title}: {_words(one)}" for one in was if one not in now)
    yield from (f"+ {title}: {_words(one)}" for one in now if one not in was)


_WORDS: dict[type[Message], Callable[[Any], str]] = {
    pb.SideEffect: lambda one: f"{one.symptom}, {one.triage}, felt {when(one.occurred_at)}",
    pb.TimelineEntry: lambda one: (
        f"{one.kind} {one.summary}, occurred {when(one.occurred_at)}, recorded {when(one.recorded_at)} by {one.actor}"
    ),
    pb.Urgency: lambda one: f"{one.level} ({one.reason})" if one.reason else one.level,
}


def _words(entry: Any) -> str:
    if not isinstance(entry, Message):
        return str(entry)
    known = _WORDS.get(type(entry))
    return known(entry) if known else MessageToJson(entry, indent=None, preserving_proto_field_name=True)
