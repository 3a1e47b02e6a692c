"""`careloop parked`: patients whose records a consumer could not apply, and what to do about them."""

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub

from careloop.cli.calling.client import Addresses, AsJson, Caller, Deadline, Home, Services, Token, run, services
from careloop.cli.terminal.tables import console, print_json, table, when
from careloop.contracts.terms import Role
from careloop.local.settings import SERVICES

if TYPE_CHECKING:
    from care.operations.v1.operations_pb2_grpc import OperationsServiceAsyncStub

OPERATOR = Caller(role=Role.OPERATOR, subject="careloop-parked")
PAGE = 500
WAITING = 1

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Patients whose records wait because one of them could not be applied.",
)

Consumer = Annotated[str, typer.Argument(help="The consumer, as `careloop parked list` names it.")]
Source = Annotated[str, typer.Argument(help="The service that published the records.")]
Patient = Annotated[UUID, typer.Argument(help="The patient.")]
ParkedOfServices = list[tuple[str, wire.ParkedPatient]]


def _service(value: str) -> str:
    if value not in SERVICES:
        raise typer.BadParameter(f"{value} is none of: {', '.join(SERVICES)}")
    return value


Service = Annotated[str, typer.Argument(help="The service that could not apply them.", callback=_service)]


@app.command("list")
def list_parked(
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 5,
    as_json: AsJson = False,
) -> None:
    """Who is parked, where and since when. Exits 0, also when nobody is."""
    found = run(_listed(services(home, address, token, deadline)))
    rows = [_row(service, one) for service, one in found]
    columns = ("service", "consumer", "source", "patient", "position", "waiting", "attempts", "parked at", "reason")
    if as_json:
        print_json([dict(zip((name.replace(" ", "_") for name in columns), row, strict=True)) for row in rows])
    else:
        console().print(table("Parked patients", columns, rows, empty="nobody is parked"))


def _row(service: str, one: wire.ParkedPatient) -> tuple[object, ...]:
    row = (one.consumer, one.source, one.patient_id, one.position, one.waiting, one.attempts)
    return service, *row, when(one.parked_at), one.reason


async def _listed(opened: Services) -> ParkedOfServices:
    async with opened:
        pages = await asyncio.gather(*(_of_service(opened, service) for service in SERVICES))
    return [found for page in pages for found in page]


async def _of_service(opened: Services, service: str) -> ParkedOfServices:
    found: ParkedOfServices = []
    request = wire.ListParkedRequest(page_size=PAGE)
    while True:
        answer = await opened.ask(service, _stub(opened, service).ListParked, request, OPERATOR)
        found += [(service, one) for one in answer.parked]
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def _stub(opened: Services, service: str) -> "OperationsServiceAsyncStub":
    return OperationsServiceStub(opened.channel(service))


@app.command()
def retry(  # noqa: PLR0917 - typer hands every option over by name
    service: Service,
    consumer: Consumer,
    source: Source,
    patient: Patient,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 10,
) -> None:
    """Apply a parked patient's records again, in order. Exits 1 when some still wait."""
    request = wire.RetryParkedRequest(
        request_id=str(uuid4()), consumer=consumer, source=source, patient_id=str(patient)
    )
    answer = run(_retried(services(home, address, token, deadline), service, request))
    typer.echo(f"{answer.applied} applied, {answer.waiting} still waiting.")
    if answer.waiting:
        raise typer.Exit(WAITING)


async def _retried(opened: Services, service: str, request: wire.RetryParkedRequest) -> wire.RetryParkedResponse:
    async with opened:
        return await opened.ask(service, _stub(opened, service).RetryParked, request, OPERATOR)


@app.command()
def drop(  # noqa: PLR0917 - typer hands every option over by name
    service: Service,
    consumer: Consumer,
    source: Source,
    patient: Patient,
    reason: Annotated[str, typer.Option(help="Why it is right to give them up; without patient data. Recorded.")],
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 10,
) -> None:
    """Give a parked patient's records up for ever; who did so and why is recorded. Exits 0, 1 when it is refused."""
    request = wire.DropParkedRequest(
        request_id=str(uuid4()), consumer=consumer, source=source, patient_id=str(patient), reason=reason
    )
    answer = run(_dropped(services(home, address, token, deadline), service, request))
    typer.echo(f"{answer.dropped} given up.")


async def _dropped(opened: Services, service: str, request: wire.DropParkedRequest) -> wire.DropParkedResponse:
    async with opened:
        return await opened.ask(service, _stub(opened, service).DropParked, request, OPERATOR)
