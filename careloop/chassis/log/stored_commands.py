"""Finding commands by their keys, in the table of now and in the one that earlier builds wrote."""

from collections.abc import Iterable, Mapping

import asyncpg

from careloop.chassis.log.protocol import CommandKey, CommandRecord
from careloop.kernel.events import CommandKind
from careloop.kernel.ids import PersonId

# A command of before was known by its id alone. It counts for the key of who gave it: a digest came with every call
# and with nothing that a service did by itself.
_FIND = """
    select w.*, k.digest, k.last_position, k.events, k.recorded_at
    from unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) w (id, stream, caller, kind)
    cross join lateral (
        (select digest, last_position, events, recorded_at from decided_commands
         where request_id = w.id and stream_id = w.stream and caller = w.caller and kind = w.kind)
        union all
        (select digest, last_position, null, recorded_at from commands
         where command_id = w.id and stream_id = w.stream and caller = w.caller
             and (digest = '') = (w.kind in ('note', 'due')))
        limit 1) k"""


async def find_commands(
    connection: asyncpg.Connection, keys: Iterable[CommandKey]
) -> Mapping[CommandKey, CommandRecord]:
    """Those of the commands that are stored."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = await connection.fetch(
        _FIND,
        [key.command_id for key in wanted],
        [key.stream_id for key in wanted],
        [key.caller for key in wanted],
        [key.kind for key in wanted],
    )
    return {found.key: found for found in map(_record, rows)}


def _record(row: asyncpg.Record) -> CommandRecord:
    return CommandRecord(
        key=CommandKey(row["id"], row["stream"], PersonId(row["caller"]), CommandKind(row["kind"])),
        digest=row["digest"],
        last_position=row["last_position"],
        events=row["events"],
        recorded_at=row["recorded_at"],
    )
