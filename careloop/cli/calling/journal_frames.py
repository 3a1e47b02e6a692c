"""Reading the journal's frames: one step for each entry to check that none is missing, and its line when it is wanted.

The layout is that of `ReadJournalFramesResponse.rows` in the contract.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception by its kind

import msgspec
from care.coordination.v1 import coordination_pb2 as pb

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
COLUMNS = 16

_HEAD = Struct(">hiqii")
"""The number of columns, then the first two, each behind its length."""
_FIXED = Struct(">4xq4x16s4xq4xi4x16s4xq4xq4x16s")
_LENGTH = Struct(">i")
_HEAD_BYTES = _HEAD.size

_json = msgspec.json.encode


class JournalHole(Exception):
    """Entries are missing, or what came is not what was announced. `position` is the last that was in order."""

    def __init__(self, position: int, sentence: str) -> None:
        super().__init__(f"after position {position}: {sentence}")
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The wanted entries of positions (after, through]; `filtered` if others lie between them."""

    after: int
    through: int
    entries: int
    journaled: int
    filtered: bool
    rows: bytes


class Contiguity:
    """Watches over the frames of one replay: each adjoins the one before, and none lacks an entry."""

    def __init__(self) -> None:
        self.last: int | None = None

    def check(self, frame: Frame) -> None:
        """Raises JournalHole. Of one patient's entries only order and number can be checked."""
        if self.last is not None and frame.after != self.last:
            raise JournalHole(self.last, f"the next frame begins after {frame.after}")
        _check_entries(frame)
        counted = frame.journaled or not frame.filtered
        if counted and frame.journaled != frame.through - frame.after:
            missing = frame.through - frame.after - frame.journaled
            raise JournalHole(frame.after, f"{missing} of the entries up to {frame.through} are missing")
        self.last = frame.through


def _check_entries(frame: Frame) -> None:
    rows, offset, count, last = frame.rows, 0, 0, frame.after
    end, step, apart = len(rows), _HEAD.unpack_from, not frame.filtered
    while offset < end:
        columns, _, position, _, rest = step(rows, offset)
        if columns != COLUMNS or position <= last or (apart and position != last + 1):
            raise JournalHole(last, f"the next entry is {position}")
        last = position
        offset += _HEAD_BYTES + rest
        count += 1
    if offset != end or count != frame.entries or last > frame.through:
        raise JournalHole(last, f"{count} entries came where {frame.entries} were announced")


def lines(frame: Frame) -> Iterator[bytes]:
    """Each entry as one JSON object, named as in the contract's JournalEntry; `value` is the published JSON itself."""
    rows, offset = frame.rows, 0
    while offset < len(rows):
        line, offset = _line(rows, offset)
        yield line


def _line(rows: bytes, offset: int) -> tuple[bytes, int]:
    _, _, position, _, rest = _HEAD.unpack_from(rows, offset)
    offset += _HEAD_BYTES
    end = offset + rest
    time, patient, source_position, partition, event, occurred, recorded, correlation = _FIXED.unpack_from(rows, offset)
    causation, offset = _column(rows, offset + _FIXED.size)
    source, offset = _column(rows, offset)
    kind, offset = _column(rows, offset)
    actor, offset = _column(rows, offset)
    key, offset = _column(rows, offset)
    value, offset = _column(rows, offset)
    if offset != end:
        raise JournalHole(position, "the entry's columns do not fill it")
    context = (
        f'{{"position":{position},"journal_time":"{_moment(time)}","patient_id":"{_repeated_uuid(patient)}",'
        f'"source":{_text(source)},"source_position":{source_position},"partition":{partition},'
        f'"type":{_text(kind)},"event_id":"{_uuid(event)}","occurred_at":"{_moment(occurred)}",'
        f'"recorded_at":"{_moment(recorded)}","actor":{_text(actor)},"correlation_id":"{_repeated_uuid(correlation)}",'
        f'"causation_id":{_optional_uuid(causation)},"key_id":{_text(key)},"value":'
    )
    return b"".join((context.encode(), _one_line(value or b"null"), b"}\n")), end


def _column(rows: bytes, offset: int) -> tuple[bytes | None, int]:
    (length,) = _LENGTH.unpack_from(rows, offset)
    offset += 4
    return (None, offset) if length < 0 else (rows[offset : offset + length], offset + length)


def _one_line(value: bytes) -> bytes:
    """Between the tokens of JSON a line break says nothing, and inside of them there is none."""
    return value.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in value or b"\r" in value else value


@lru_cache(maxsize=4096)
def _text(content: bytes | None) -> str:
    return "null" if content is None else _json(content.decode()).decode()


def _uuid(content: bytes) -> str:
    digits = content.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_repeated_uuid = lru_cache(maxsize=65536)(_uuid)
"""Patients and calls come again and again."""


def _optional_uuid(content: bytes | None) -> str:
    return "null" if content is None else f'"{_uuid(content)}"'


def _moment(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{fraction:06}Z" if fraction else f"{_second(seconds)}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")


async def frames(
    answers: AsyncIterator[pb.ReadJournalFramesResponse], contiguity: Contiguity | None = None, *, filtered: bool
) -> AsyncIterator[Frame]:
    """The frames put together from their pieces, each checked to follow the one before; the first, the last of an
    earlier stream where that one's `contiguity` is given. Raises JournalHole."""
    contiguity, pieces = contiguity or Contiguity(), list[bytes]()
    async for answer in answers:
        pieces.append(answer.rows)
        if answer.more:
            continue
        frame = Frame(
            after=answer.after,
            through=answer.through,
            entries=answer.entries,
            journaled=answer.journaled,
            filtered=filtered,
            rows=pieces[0] if len(pieces) == 1 else b"".join(pieces),
        )
        pieces = []
        try:
            contiguity.check(frame)
        except StructError:
            raise JournalHole(frame.after, "an entry is cut off") from None
        yield frame
