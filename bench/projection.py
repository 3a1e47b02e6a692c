"""One projecting process on full topics, beside the library's ProjectionRunner."""

import sys
from functools import partial
from urllib.parse import urlsplit

from bench import peering
from bench.filling import fill_assessment
from bench.harness import Bench, Sample, main
from bench.results import OURS, Curve, Figure, Plot, Row, require
from bench.servers import Database, connected
from bench.topics import fresh_topics
from bench.wiring import service_spec
from bench.workers import measured_together, ours

TITLE = "Projection: one process on full topics"
UNIT = "events/s"
WITHIN = 240.0

_CHECK = """
    select (select count(*) from coordination.journal) journaled,
        (select count(*) from coordination.journal j join assessment.events e
            on j.source = 'assessment' and j.source_position = e.notification_id and j.event_id = e.event_id
            and j.patient_id = e.originator_id
            and convert_from(j.value, 'UTF8')::jsonb = convert_from(e.state, 'UTF8')::jsonb) same,
        (select count(*) from (select source_position, lag(source_position) over
            (partition by patient_id order by position) before from coordination.journal) j
            where j.before >= j.source_position) disordered,
        (select count(*) from coordination.sections s where s.source_position <> (select max(notification_id)
            from assessment.events e where e.originator_id = s.patient_id)) behind,
        (select count(*) from coordination.sections) sections,
        (select count(distinct originator_id) from assessment.events) patients"""


async def measure(bench: Bench) -> None:
    await bench.servers.start_kafka()
    if bench.quick:
        figures = {1_000: await _ours(bench, 10_000, 1_000)}
    else:
        figures = {1_000: await _ours(bench, 100_000, 1_000), 200_000: await _ours(bench, 200_000, 200_000)}
        await _ours(bench, 100_000, 20_000, skew="zipf")
    library = await _library(bench, 2_000 if bench.quick else 10_000)
    goal = ">= 100k events/s (stretch 200k)"
    for patients, figure in figures.items():
        name = f"projection, {patients:,} patients"
        bench.report.rows.append(Row(figure=name, ours=figure, target=100_000, stretch=200_000, goal=goal))
    if library is not None:
        row = Row(figure="projection", ours=figures[1_000], peer=library, target=50.0, goal=">= 50x ProjectionRunner")
        bench.report.rows.append(row)
    bench.report.remarks.append(
        "Ours folds the whole care view and journals every event; the library's counts one number per patient."
    )
    points = tuple((float(patients), figure.median) for patients, figure in figures.items())
    if len(points) > 1:
        plot = Plot(name="projection", title=TITLE, x="patients", y=UNIT, curves=(Curve(label=OURS, points=points),))
        bench.report.plots.append(plot)


async def _ours(bench: Bench, events: int, patients: int, skew: str = "uniform") -> Figure:
    name = f"{events:,} events of {patients:,} patients" + (", Zipf" if skew == "zipf" else "")
    return await bench.repeated(name, OURS, UNIT, partial(project_ours, bench, events, patients, skew))


async def project_ours(bench: Bench, events: int, patients: int, skew: str) -> Sample:
    """Through real Kafka: our relay fills the topic, then the consumers start."""
    await fresh_topics(bench.servers)
    async with bench.servers.database() as database:
        await fill_assessment(database, events, patients, skew=skew)
        told = {"service": service_spec(bench.servers, database, "assessment"), "events": events}
        await measured_together([(ours("bench.loads.relay"), told)], within=WITHIN)
        told = {"service": service_spec(bench.servers, database, "coordination"), "events": events}
        (answer,) = await measured_together([(ours("bench.loads.projection"), told)], within=WITHIN)
        await check_view(bench, database, events)
    bench.report.memory_mb[f"careloop (projecting {patients:,} patients)"] = answer["memory_mb"]
    return {"value": answer["per_second"]}


async def check_view(bench: Bench, database: Database, events: int) -> None:
    """The journal is the log, in each patient's order, and every section stands at its patient's last event."""
    async with connected(database.dsn) as server:
        found = dict(await server.fetchrow(_CHECK))
    require(found["journaled"] == found["same"] == events, f"projection: {found['same']} of {events} journaled right")
    require(found["disordered"] == 0, f"projection: {found['disordered']} events out of order")
    require(found["behind"] == 0, f"projection: {found['behind']} sections behind")
    require(found["sections"] == found["patients"], "projection: patients without a section")
    bench.report.checked("each event of the log journaled once, in order, unchanged; every section at its last event")


async def _library(bench: Bench, events: int) -> Figure | None:
    who, name = "eventsourcing", f"ProjectionRunner, {events:,} events"
    return await bench.peer(who, lambda: bench.repeated(name, who, UNIT, partial(project_library, bench, events)))


async def project_library(bench: Bench, events: int) -> Sample:
    patients = events // 10
    async with bench.servers.database(schemas=False) as database:
        spec = {
            "database": database.name,
            "port": urlsplit(bench.servers.stack.admin_url).port,
            "events": events,
            "patients": patients,
            "within": WITHIN,
        }
        command = peering.python("eventsourcing_projection")
        (answer,) = await measured_together([(command, spec)], within=WITHIN)
        async with connected(database.dsn) as server:
            counted = await server.fetchval("select sum(entries) from entries_view")
    require(counted == events, f"ProjectionRunner: {events} entries, {counted} in its view")
    bench.report.memory_mb["eventsourcing (ProjectionRunner)"] = answer["memory_mb"]
    return {"value": answer["per_second"]}


if __name__ == "__main__":
    sys.exit(main("projection", TITLE, measure))
