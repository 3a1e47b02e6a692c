"""The rows of what is due: what, of which patient, when. A row is a wake-up and never the truth.

What takes it up looks at the newest state, and stores nothing where the matter is settled, struck or planned again.
Of a series (doses, repeats) only the next row exists: what takes it up writes the one after.
"""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.protocol import DueRow
from careloop.kernel.ids import derived_id

Detail = TypeVar("Detail")


def due_row(stream_id: UUID, kind: str, *, subject: object, at: datetime, detail: Any) -> DueRow:
    """The row for what is to be decided of `subject` at this moment: the same row, however often it is written.

    `detail` is a dataclass of the writer's own, in which the row says what it is about.
    """
    return DueRow(
        due_id=derived_id("due", kind, subject, at.isoformat()),
        kind=kind,
        stream_id=stream_id,
        due_at=at,
        detail=ENCODER.encode(detail),
    )


def read_detail(row: DueRow, detail: type[Detail]) -> Detail:
    """The row's detail. Raises msgspec.ValidationError if it is not one."""
    return msgspec.json.decode(row.detail, type=detail)
