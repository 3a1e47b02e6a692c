"""The journal and its rebuilds on the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime

from care.coordination.v1 import coordination_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.writing import shown_as
from careloop.kernel.errors import InvalidInput
from services.coordination.reading.frames import Extent, Frame
from services.coordination.reading.journal import Wanted
from services.coordination.rebuilding.terms import Mode, Progress, RebuildOutcome, RebuildRequest

MOST_TYPES = 100
MOST_WORKERS = 64
PIECE_BYTES = 1 << 20

_MODES: dict[int, Mode] = {
    pb.REBUILD_MODE_TURN: Mode.TURN,
    pb.REBUILD_MODE_CHECK: Mode.CHECK,
    pb.REBUILD_MODE_ROLL_BACK: Mode.ROLL_BACK,
}


def any_moment(value: Timestamp, field: str) -> datetime:
    """A moment that may lie in the future."""
    return fields.moment(value, given=True, now=datetime.max.replace(tzinfo=UTC), field=field)


def _check_journal_range(request: pb.ReadJournalRequest | pb.ReadJournalFramesRequest) -> None:
    if request.after < 0:
        raise InvalidInput("out-of-range", "after is a position, 0 for the first.", field="after")
    if len(request.types) > MOST_TYPES:
        raise InvalidInput("list-too-long", f"types has at most {MOST_TYPES} entries.", field="types")


def wanted(request: pb.ReadJournalRequest) -> Wanted:
    _check_journal_range(request)
    return Wanted(
        after=request.after,
        since=any_moment(request.since, "since") if request.HasField("since") else None,
        patient_id=fields.patient_id(request.patient_id) if request.patient_id else None,
        types=tuple(request.types),
    )


def extent(request: pb.ReadJournalFramesRequest) -> Extent:
    _check_journal_range(request)
    if request.through < 0:
        raise InvalidInput("out-of-range", "through is a position, 0 for the last.", field="through")
    return Extent(
        after=request.after,
        through=request.through,
        since=any_moment(request.since, "since") if request.HasField("since") else None,
        until=any_moment(request.until, "until") if request.HasField("until") else None,
        patient_id=fields.patient_id(request.patient_id) if request.patient_id else None,
        types=tuple(request.types),
    )


piece = shown_as(pb.ReadJournalFramesResponse, Frame, "rows", "more")


def pieces(frame: Frame) -> Iterator[pb.ReadJournalFramesResponse]:
    """At least one, so that a reader knows how far it is also where nothing was asked for."""
    size = len(frame.rows)
    for start in range(0, max(size, 1), PIECE_BYTES):
        yield piece(frame, rows=frame.rows[start : start + PIECE_BYTES], more=start + PIECE_BYTES < size)


def rebuild_request(request: pb.RebuildCareViewRequest) -> RebuildRequest:
    if request.mode not in _MODES:
        raise InvalidInput("field-required", "mode says what the rebuild is to come to.", field="mode")
    if not 0 <= request.workers <= MOST_WORKERS:
        raise InvalidInput("out-of-range", f"workers is 1 to {MOST_WORKERS}, or 0.", field="workers")
    return RebuildRequest(
        mode=_MODES[request.mode],
        workers=request.workers,
        accept_differences=request.accept_differences,
        name=fields.optional_text(request.name, "name", longest=128),
    )


progress = shown_as(pb.RebuildProgress, Progress)
outcome = shown_as(
    pb.RebuildOutcome,
    RebuildOutcome,
    *("live_checksum", "rebuilt_checksum"),
    compared="comparison.rows",
    different="comparison.different",
    refolded="comparison.refolded",
)


def rebuild_message(step: Progress | RebuildOutcome) -> pb.RebuildCareViewResponse:
    if isinstance(step, Progress):
        return pb.RebuildCareViewResponse(progress=progress(step))
    live, rebuilt = (f"{checksum % 2**64:016x}" for checksum in (step.comparison.live, step.comparison.idle))
    return pb.RebuildCareViewResponse(outcome=outcome(step, live_checksum=live, rebuilt_checksum=rebuilt))
