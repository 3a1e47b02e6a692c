"""Views, stamps, freshness, journal entries and the caseload on the wire."""

from dataclasses import fields
from typing import Any

from care.common.v1 import common_pb2
from care.coordination.v1 import coordination_pb2 as pb

from careloop.chassis.calls.writing import event_of, shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts.coordination import MessagePosted
from careloop.knowledge.urgency.client_help import ClientHelp
from services.coordination.domain.view.care_view import CareView
from services.coordination.domain.view.caseload import CaseloadEntry, Headline
from services.coordination.domain.view.written import level_of
from services.coordination.evidence import SourceFreshness
from services.coordination.reading.journal import JournalEntry
from services.coordination.reading.stamp import Stamp

OF_HEADLINE = {part.name: f"headline.{part.name}" for part in fields(Headline)}
care_view = shown_as(pb.CareView, CareView)
stamp = shown_as(pb.Stamp, Stamp)
freshness = shown_as(common_pb2.Freshness, SourceFreshness)
client_help = shown_as(common_pb2.ClientHelp, ClientHelp)
entry = shown_as(pb.JournalEntry, JournalEntry)
caseload = shown_as(
    pb.CaseloadEntry, CaseloadEntry, **{part.name: f"headline.{part.name}" for part in fields(Headline)}
)


def written(done: Done[Any]) -> dict[str, Any]:
    """What there is to say of the message."""
    found = event_of(done, MessagePosted)
    if found is None:
        return {"flags": []}
    return {"flags": list(found.flags or ()), "triage": level_of(found.triage)}
