"""The journal and its rebuilds on the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime

from care.coordination.v1 import coordination_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls import reading as fields
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


def pieces(frame: Frame) -> Iterator[pb.ReadJournalFramesResponse]:
    """At least one, so that a reader knows how far it is also where nothing was asked for."""
    size = len(frame.rows)
    for start in range(0, max(size, 1), PIECE_BYTES):
        yield pb.ReadJournalFramesResponse(
            after=frame.after,
            through=frame.through,
            entries=frame.entries,
            journaled=frame.journaled,
            rows=frame.rows[start : start + PIECE_BYTES],
            more=start + PIECE_BYTES < size,
        )


def rebuild_request(request: pb.RebuildCareViewRequest) -> RebuildRequest:
    if request.mode not in _MODES:
        raise InvalidInput("field-required", "mode says what the rebuild is to come to.", field="mode")
    if not 0 <= request.workers <= MOST_WORKERS:
        raise InvalidInput("out-of-range", f"workers is 1 to {MOST_WORKERS}, or 0.", field="workers")
    return RebuildRequest(
        mode=_MODES[request.mode], workers=request.workers, accept_differences=request.accept_differences
    )


def rebuild_message(step: Progress | RebuildOutcome) -> pb.RebuildCareViewResponse:
    if isinstance(step, Progress):
        progress = pb.RebuildProgress(phase=step.phase, done=step.done, of=step.of)
        return pb.RebuildCareViewResponse(progress=progress)
    found = step.comparison
    outcome = pb.RebuildOutcome(
        turned=step.turned,
        through=step.through,
        events=step.events,
        sections=step.sections,
        compared=found.rows,
        different=found.different,
        refolded=found.refolded,
        live_checksum=f"{found.live % 2**64:016x}",
        rebuilt_checksum=f"{found.idle % 2**64:016x}",
    )
    return pb.RebuildCareViewResponse(outcome=outcome)
