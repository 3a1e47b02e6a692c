"""`careloop replay-decisions`: every past order checked again by a pack, on the evidence known then."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub

from careloop.cli.calling.client import Addresses, AsJson, Caller, Home, Services, Token, following, run, services
from careloop.cli.calling.past_decisions import answered_by, answered_then
from careloop.cli.commands.knowledge import folder_content
from careloop.cli.terminal.progress import Shown, progress
from careloop.contracts.terms import Role
from careloop.knowledge.findings import Alert, NotChecked, PackReference
from careloop.knowledge.pack.pack import Pack, PackInvalid, current_pack, load
from careloop.knowledge.screening.rechecking import Rechecked, rechecked

PRESCRIBING = "prescribing"
ANALYST = Caller(role=Role.ANALYST, subject="careloop-replay-decisions")
NOT_THE_SAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One past order, and what is answered otherwise."""

    patient_id: str
    fact_id: str
    decision: str
    recorded_at: datetime
    medicine: str
    entered_in_error: bool
    then: PackReference
    now: PackReference
    answer: Rechecked

    @property
    def broken(self) -> bool:
        """The very pack of then answers otherwise than it did."""
        return self.then.digest == self.now.digest and not self.answer.same


@dataclass
class ReplayTally:
    """What came of all orders, in numbers."""

    orders: int = 0
    more: int = 0
    less: int = 0
    broken: int = 0
    same: int = 0

    def add(self, one: Replayed) -> None:
        self.orders += 1
        self.more += bool(one.answer.now_alerts)
        self.less += bool(one.answer.no_longer_alerts)
        self.broken += one.broken
        self.same += one.answer.same

    @property
    def said(self) -> str:
        parts = (
            f"{self.orders} orders: {self.same} answered the same, "
            f"{self.more} would now alert, {self.less} would no longer alert."
        )
        broken = f" {self.broken} were decided with this very pack and are answered otherwise."
        return parts + broken * bool(self.broken)


def replay_decisions(  # noqa: PLR0917 - typer hands every option over by name
    pack: Annotated[
        Path | None,
        typer.Option(
            help="A folder of data files, as careloop/knowledge/data is one; the pack in use if left out.",
            exists=True,
            file_okay=False,
            show_default="the pack in use",
        ),
    ] = None,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Annotated[float, typer.Option(help="Seconds in all.", min=0.1)] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Check every past order again: what would now alert, and what no longer would, on the evidence known then.

    Prints the orders that are answered otherwise, or with --json one object a line for every order; counts go to
    standard error. Reads prescribing's own log up to its end as it is now, and writes nothing.

    Exits 0, 1 when prescribing refuses or does not answer, 2 for wrong use or a folder that is no valid pack, 3 when an
    order that was decided with this very pack is answered otherwise.
    """
    judged = _pack_in(pack)
    tally = run(_replay(services(home, address, token, deadline), judged, deadline, as_json=as_json))
    typer.echo(tally.said, err=True)
    if tally.broken:
        raise typer.Exit(NOT_THE_SAME)


def _pack_in(folder: Path | None) -> Pack:
    try:
        if folder is None:
            return current_pack()
        return load(folder_content(folder))
    except PackInvalid as fault:
        raise typer.BadParameter(str(fault), param_hint="--pack") from None


async def _replay(opened: Services, pack: Pack, deadline: float, *, as_json: bool) -> ReplayTally:
    """Counts every past order; each is printed as soon as it is known."""
    tally = ReplayTally()
    async with opened:
        with progress("positions") as shown:
            async for decision in past_decisions(opened, deadline, shown):
                one = replayed(decision, pack)
                tally.add(one)
                if as_json:
                    typer.echo(msgspec.json.encode(one))
                elif not one.answer.same:
                    typer.echo("\n".join(lines(one)))
    return tally


async def past_decisions(
    opened: Services, deadline: float, shown: Shown | None = None
) -> AsyncIterator[pb.PastDecision]:
    """Every past order in the order of prescribing's log."""
    stub = PrescribingServiceStub(opened.channel(PRESCRIBING))
    request, end = pb.ReadDecisionsRequest(), time.monotonic() + deadline

    def begin() -> AsyncIterator[pb.ReadDecisionsResponse]:
        return opened.stream(PRESCRIBING, stub.ReadDecisions, request, ANALYST, deadline=end - time.monotonic())

    async for answer in following(begin):
        request.after = answer.position
        if answer.HasField("decision"):
            yield answer.decision
        elif shown is not None:
            shown.at("replay", answer.position, answer.through)


def replayed(decision: pb.PastDecision, pack: Pack) -> Replayed:
    """The order checked again by this pack."""
    then, now = answered_then(decision), answered_by(decision, pack)
    return Replayed(
        patient_id=decision.patient_id,
        fact_id=decision.fact_id,
        decision=decision.decision,
        recorded_at=decision.recorded_at.ToDatetime(UTC),
        medicine=decision.order.medicine.name,
        entered_in_error=decision.entered_in_error,
        then=then.knowledge,
        now=now.knowledge,
        answer=rechecked(then, now),
    )


def lines(one: Replayed) -> Iterator[str]:
    """The order, and below it what is answered otherwise: + would now be answered, - no longer, ~ in another way."""
    became = f"{one.decision}, entered in error" if one.entered_in_error else one.decision
    yield f"{one.recorded_at:%Y-%m-%d} {one.patient_id} {one.medicine}: {became}"
    answer = one.answer
    yield from (f"  + {_named(alert)}" for alert in answer.now_alerts)
    yield from (f"  - {_named(alert)}" for alert in answer.no_longer_alerts)
    yield from (f"  ~ {change.before.severity} -> {_named(change.after)}" for change in answer.changed_alerts)
    yield from (f"  + {_gap(gap)}" for gap in answer.now_not_checked)
    yield from (f"  - {_gap(gap)}" for gap in answer.no_longer_not_checked)


def _named(alert: Alert) -> str:
    return f"{alert.severity} {alert.rule} version {alert.version}: {alert.message}"


def _gap(gap: NotChecked) -> str:
    return f"not checked: {gap.check}: {gap.reason}{f' ({gap.subject})' if gap.subject else ''}"
