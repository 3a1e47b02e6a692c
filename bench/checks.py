"""What must be true of the data after a run; each raises CheckFailed where it is not."""

from collections.abc import Mapping
from typing import Any

from bench.results import require
from bench.servers import Database, connected
from bench.workload import TEXT, TOPIC, patient

_EXPECTED = "jsonb_build_object('text', $1::text, 'patient', stream, 'sequence', version)"

# The log as stream, version, position and content, whoever's table it is in.
LOGS: Mapping[str, str] = {
    "careloop": "select originator_id::text stream, originator_version version, notification_id place, "
    "convert_from(state, 'UTF8')::jsonb - 'occurred_at' content from assessment.events "
    f"where topic = '{TOPIC}'",
    "eventsourcing": "select originator_id::text stream, originator_version version, notification_id place, "
    "convert_from(state, 'UTF8')::jsonb content from diary_events where originator_version < 1000000",
    "eventsourcing application": "select originator_id::text stream, originator_version - 1 as version, "
    "notification_id place, jsonb_build_object('text', content->'text', 'patient', originator_id, 'sequence', "
    "content->'sequence') content from (select *, convert_from(state, 'UTF8')::jsonb content from diary_events "
    f"where originator_version > 1 and originator_id <> '{patient(99, 0)}') entries",
    "message-db": "select substr(stream_name, 9) stream, position + 1 as version, global_position place, "
    "data content from message_store.messages",
    "emmett": "select substr(stream_id, 9) stream, stream_position version, global_position place, "
    "message_data content from emt_messages",
    "raw": "select originator_id::text stream, originator_version version, notification_id place, "
    "convert_from(state, 'UTF8')::jsonb content from raw_events",
}
_LOOK = """
    select count(*) stored, coalesce(max(place), 0) last,
        count(*) filter (where nth <> version) gaps,
        count(*) filter (where before >= place) disordered,
        count(*) filter (where content <> {expected}) unequal
    from (select log.*, row_number() over w nth, lag(place) over w before
        from ({log}) log window w as (partition by stream order by version)) told"""


async def check_log(database: Database, who: str, acknowledged: int, *, before: int = 0) -> None:
    """All that was acknowledged is stored once, in each patient's order, with its content, and nothing else is."""
    async with connected(database.dsn) as server:
        sql = _LOOK.format(expected=_EXPECTED, log=LOGS[who])
        found = dict(await server.fetchrow(sql, TEXT))
    require(found["stored"] == acknowledged, f"{who}: {acknowledged} acknowledged, {found['stored']} stored")
    require(found["gaps"] == 0, f"{who}: {found['gaps']} gaps in versions")
    require(found["disordered"] == 0, f"{who}: {found['disordered']} events out of their patient's order")
    require(found["unequal"] == 0, f"{who}: {found['unequal']} events with other content")
    # The others' positions come from sequences, which leave gaps where an append was refused.
    require(who != "careloop" or found["last"] == before + acknowledged, "careloop: positions have gaps")


def check_answers(who: str, answers: list[dict[str, Any]]) -> int:
    """How many appends were acknowledged in all, having made sure that conflicts are refused."""
    require(all(one["refuses_stale"] for one in answers), f"{who}: an append on a stale version was accepted")
    return sum(int(one["acknowledged"]) for one in answers)
