"""Views, stamps, freshness, journal entries and the caseload on the wire."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from care.common.v1 import common_pb2
from care.coordination.v1 import coordination_pb2 as pb
from google.protobuf.message import Message

from services.coordination.domain.view.care_view import CareView
from services.coordination.domain.view.caseload import CaseloadEntry
from services.coordination.evidence import SourceFreshness
from services.coordination.reading.journal import JournalEntry
from services.coordination.reading.stamp import Stamp


def view_message(view: CareView) -> pb.CareView:
    """The view has the names and shapes of the message; texts are written for ids, dates and decimals."""
    return _message(pb.CareView, view)


_Message = TypeVar("_Message", bound=Message)


def _message(kind: Callable[..., _Message], content: Any) -> _Message:
    return kind(**msgspec.to_builtins(content, builtin_types=(datetime, bytes)))


def stamp_message(stamp: Stamp) -> pb.Stamp:
    return _message(pb.Stamp, stamp)


def freshness_messages(freshness: Sequence[SourceFreshness]) -> list[common_pb2.Freshness]:
    return [_message(common_pb2.Freshness, one) for one in freshness]


def entry_message(entry: JournalEntry) -> pb.JournalEntry:
    return _message(pb.JournalEntry, entry)


def caseload_message(entry: CaseloadEntry) -> pb.CaseloadEntry:
    headline = entry.headline
    return pb.CaseloadEntry(
        patient_id=str(entry.patient_id),
        name=headline.name,
        birth_date=headline.birth_date.isoformat() if headline.birth_date else "",
        urgency=_message(pb.Urgency, entry.urgency),
        open_side_effects=headline.open_side_effects,
        unacknowledged_notices=headline.unacknowledged_notices,
        assessment_completed=headline.assessment_completed,
    )
