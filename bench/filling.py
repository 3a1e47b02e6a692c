"""Logs that are full before a measurement begins: real events of a real service, inserted by the database itself."""

from datetime import UTC, date, datetime
from uuid import UUID

from bench.servers import Database, connected
from bench.workload import patient
from careloop.chassis.events.codec import Codec
from careloop.contracts.assessment import PatientEnrolled, Sex
from careloop.contracts.terms import ScaleScored
from careloop.kernel.ids import FactId
from services.assessment.domain.events import TOPICS, Event

PLACEHOLDER = UUID("00000000-0000-0000-0000-00000000fac7")
SCALE = ScaleScored(
    fact_id=FactId(PLACEHOLDER),
    instrument="phq-9",
    instrument_version=1,
    items=(2, 1, 3, 0, 1, 2, 1, 0, 1),
    total=11,
    band="moderate",
    flags=("item-9",),
    missing=0,
    source="client",
    scored_by="client",
    occurred_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
)
ENROLLED = PatientEnrolled(
    fact_id=FactId(PLACEHOLDER),
    name="Ada Example",
    birth_date=date(1990, 1, 1),
    sex=Sex.FEMALE,
    occurred_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
)

# floor(patients ^ u) of a uniform u is n with a probability of about 1/n: Zipf's law.
_WHO = {
    "uniform": "1 + (n - 1) % $2::bigint",
    "zipf": "floor(power($2::float8, random()))::bigint",
}
_FILL = """
    insert into {schema}.events (originator_id, originator_version, topic, state, notification_id, event_id,
        occurred_at, recorded_at, correlation_id, causation_id, actor, command_id, key_id)
    select ($6 || lpad(to_hex(who), 12, '0'))::uuid,
        row_number() over (partition by who order by n), $3,
        convert_to(replace($4, $5, gen_random_uuid()::text), 'UTF8'), n, gen_random_uuid(),
        '2026-11-24T12:00:00Z', clock_timestamp() - interval '1 day' + n * interval '1 microsecond',
        gen_random_uuid(), null, 'nurse.adams', 'filled-' || n, null
    from (select n, {who} who from generate_series(1, $1::bigint) n) drawn
    order by n"""
_COMMANDS = """
    insert into {schema}.decided_commands
        (request_id, stream_id, caller, kind, digest, last_position, events, recorded_at)
    select command_id, originator_id, actor, 'caller', 'digest', notification_id, 1, recorded_at from {schema}.events"""


async def fill_assessment(
    database: Database,
    events: int,
    patients: int,
    *,
    event: Event = SCALE,
    skew: str = "uniform",
    worker: int = -1,
    commands: bool = False,
) -> None:
    """So many of this event of so many patients, at positions from 1; with their commands where those matter.

    The patients are those of this number of worker.
    """
    topic, state = Codec[Event](TOPICS).encode(event)
    prefix = str(patient(worker, 0))[:24]
    async with connected(database.dsn) as server:
        fill = _FILL.format(schema="assessment", who=_WHO[skew])
        await server.execute(fill, events, patients, topic, state.decode(), str(PLACEHOLDER), prefix, timeout=600)
        if commands:
            await server.execute(_COMMANDS.format(schema="assessment"), timeout=600)
        await server.execute("analyze assessment.events")
        await server.execute("checkpoint")


async def enroll(database: Database, patients: int) -> None:
    """The first patients of worker 0 are enrolled: at position n the n-th."""
    await fill_assessment(database, patients, patients, event=ENROLLED, worker=0)
