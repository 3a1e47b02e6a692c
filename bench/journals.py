"""Full journals: real events as they were consumed, inserted by the database itself."""

from bench.filling import SCALE
from bench.servers import Database, connected
from careloop.chassis.events.codec import ENCODER

TYPE = "care.assessment.ScaleScored.v1"
_FILL = """
    insert into coordination.journal (position, journal_time, patient_id, source, source_position, partition, type,
        event_id, occurred_at, recorded_at, actor, correlation_id, causation_id, key_id, value)
    select n, clock_timestamp() - interval '1 day' + n * interval '1 microsecond',
        ('00000000-0000-4000-8000-' || lpad(to_hex(1 + (n - 1) % $2::bigint), 12, '0'))::uuid, 'assessment', n, 0,
        $3, gen_random_uuid(), '2026-11-24T12:00:00Z', clock_timestamp() - interval '1 day', 'nurse.adams',
        gen_random_uuid(), null, null,
        convert_to(replace($4, '00000000-0000-0000-0000-00000000fac7', gen_random_uuid()::text), 'UTF8')
    from generate_series(1, $1::bigint) n"""


async def fill_journal(database: Database, entries: int, patients: int) -> None:
    """So many scored scales, evenly over so many patients."""
    async with connected(database.dsn) as server:
        await server.execute(_FILL, entries, patients, TYPE, ENCODER.encode(SCALE).decode(), timeout=600)
        await server.execute("vacuum analyze coordination.journal")
        await server.execute("checkpoint")
