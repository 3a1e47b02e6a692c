"""The demo from beginning to end: what happens, and what is shown of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from care.common.v1.common_pb2 import NotChecked
from care.coordination.v1 import coordination_pb2
from rich.console import Console

from careloop.cli.commands import care
from careloop.cli.commands.intake import files_in, take_in
from careloop.cli.commands.status import read_states
from careloop.cli.terminal.care_tables import caseload_table
from careloop.cli.terminal.tables import table
from careloop.demo import deciding, urgent
from careloop.demo.assessing import Assessing, assign_team
from careloop.demo.course import Telltale
from careloop.demo.judging import judge
from careloop.demo.ordering import Ordered, Ordering
from careloop.demo.outage import Outage
from careloop.demo.overlay import DAYS, WEEKS, weeks_of
from careloop.demo.people import PRESCRIBER
from careloop.demo.settling import Settling
from careloop.demo.telling import NotingServices, Telling, all_of
from careloop.demo.verdict import Check, same_bytes
from careloop.local.schemas import address
from careloop.local.supervisor import Supervisor

FEWEST_PATIENTS = 12
SEED = 7
FOUR_WEEKS = timedelta(weeks=4)
UNKNOWN_DRUG = ("zelvoritine 20 MG Oral Tablet", "20")
View = coordination_pb2.GetCareViewResponse | coordination_pb2.GetCareViewAsKnownResponse


class TooFewPatients(Exception):
    """The generated bundles hold fewer than the demo needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient by id and name."""

    id: UUID
    name: str


class Story:
    """One run on a system that is up. Every step waits for what the next needs, by condition and with a deadline."""

    def __init__(self, supervisor: Supervisor, services: NotingServices, out: Console) -> None:
        self._supervisor = supervisor
        self._services = services
        self._telling = Telling(services)
        self._out = out
        self._start = datetime.now(UTC) - timedelta(days=DAYS)

    async def tell(self, bundles: Path) -> list[Check]:
        """Everything that happens; answers the verdict."""
        await self._take_in(bundles)
        await self._settled("The imported record is in everybody's hands")
        patients = await self._patients()
        tokens = await self._assess(patients)
        orders = await self._order(patients, tokens)
        await self._explain(patients)
        await self._twelve_weeks(patients, orders)
        await self._severe_side_effect(patients[0])
        as_served = await self._show(patients[0])
        return [*await self._judge(), as_served, await self._decide_again()]

    def _say(self, text: str) -> None:
        self._out.print(f"\n{text}", markup=False)

    @property
    def _dsn(self) -> str:
        return address(self._supervisor.stack.admin_url)

    async def _settled(self, what: str) -> None:
        states = await read_states(self._services, max_lag=60)
        consumptions = {(state.service, one.consumer, one.source) for state in states for one in state.consumers}
        took = await Settling(self._dsn, frozenset(consumptions)).wait()
        self._say(f"{what}: all published, consumed and in the view after {took:.1f} s.")

    async def _take_in(self, bundles: Path) -> None:
        self._say("== Intake: FHIR R4 bundles of generated patients (Synthea)")
        report = await take_in(
            files_in([bundles]), self._services, "UTC", now=datetime.now(UTC), enrolled_at=self._start
        )
        report.show(self._out)

    async def _patients(self) -> list[Patient]:
        entries = await care.read_caseload(self._services, 1000)
        found = sorted(
            (Patient(id=UUID(entry.patient_id), name=entry.name) for entry in entries), key=lambda it: it.name
        )
        if len(found) < FEWEST_PATIENTS:
            raise TooFewPatients(f"{len(found)} patients came in and {FEWEST_PATIENTS} are needed")
        return found

    async def _assess(self, patients: Sequence[Patient]) -> dict[UUID, str]:
        self._say(
            f"== Assessment: {len(patients)} care teams; a licensed prescriber completes what the record leaves open"
        )
        await all_of(assign_team(self._telling, patient.id, self._start) for patient in patients)
        completed = await all_of(Assessing(self._telling, patient.id, self._start).complete() for patient in patients)
        self._say(f"{len(completed)} assessments completed by {PRESCRIBER.name}.")
        return {patient.id: token for patient, token in zip(patients, completed, strict=True)}

    async def _order(self, patients: Sequence[Patient], tokens: dict[UUID, str]) -> dict[UUID, Ordered]:
        self._say("== Orders, each under the medication safety check")
        declined, overridden, unknown = patients[1], patients[2], patients[3]
        at_first = self._start + timedelta(days=1)

        async def usual(patient: Patient) -> Ordered:
            return await Ordering(self._telling, patient.id, (tokens[patient.id],)).first_that_fits(at_first)

        async def with_list(patient: Patient, takes: tuple[str, str], medicine: str, dose: str, spite: bool) -> Ordered:
            token = await Assessing(self._telling, patient.id, at_first).takes(takes)
            ordering = Ordering(self._telling, patient.id, (token,))
            ordered = ordering.order_in_spite if spite else ordering.order
            return await ordered(medicine, dose, at_first)

        special = {
            declined.id: with_list(declined, ("phenelzine", "45"), "sertraline 50 MG Oral Tablet", "50", spite=False),
            overridden.id: with_list(
                overridden, ("ibuprofen", "1200"), "lithium carbonate 300 MG Oral Capsule", "600", spite=True
            ),
            unknown.id: Ordering(self._telling, unknown.id, (tokens[unknown.id],)).order(*UNKNOWN_DRUG, at_first),
        }
        orders: list[Ordered] = await all_of(special.get(patient.id) or usual(patient) for patient in patients)
        names = {patient.id: patient.name for patient in patients}
        self._out.print(table("Orders", _ORDER_COLUMNS, [_order_row(names, order) for order in orders]))
        return {order.patient: order for order in orders}

    async def _explain(self, patients: Sequence[Patient]) -> None:
        self._say("== Why: a declined order, one gone on with for coded reasons, and one that could not be checked")
        for patient in patients[1:4]:
            self._say(f"{patient.name}\n{await deciding.explanation(self._services, patient.id)}")
        self._say(deciding.covered(await deciding.every_decision(self._services)))

    async def _twelve_weeks(self, patients: Sequence[Patient], orders: dict[UUID, Ordered]) -> None:
        self._say(
            f"== {WEEKS} weeks of care from a seeded overlay: GENERATED, not clinical data (seed {SEED}). "
            "Weekly PHQ-9 and GAD-7, side effects, doses, told now with the times they are about."
        )
        courses = [
            Telltale(self._telling, patient.id, orders.get(patient.id), self._start).tell(weeks_of(patient.id, SEED))
            for patient in patients
        ]
        before, began = self._services.told, asyncio.get_running_loop().time()
        outage = Outage(self._supervisor, self._services, "coordination")
        await asyncio.gather(all_of(courses), outage.happen(before + 400, before + 700))
        took = asyncio.get_running_loop().time() - began
        self._say(f"{self._services.told - before} commands acknowledged in {took:.1f} s.")
        self._say(outage.account)
        await self._settled("The view has caught up")

    async def _severe_side_effect(self, patient: Patient) -> None:
        self._say(f"== {patient.name} reports a severe side effect now, between visits")
        told = await urgent.escalate(self._telling, patient.id)
        self._say(
            f"Triage: {told.told.triage} by rule {told.told.rule}. In the prescriber's inbox after "
            f"{told.seen_after:.1f} s ({told.priority}: {told.subject}).\n"
            f"Nobody acknowledged: escalated to the care manager after {told.escalated_after:.1f} s, who took it on."
        )

    async def _show(self, patient: Patient) -> Check:
        await self._settled("The report and its notices")
        before = await care.read_view(self._services, patient.id)
        known_before = before.stamp.known_at.ToDatetime(UTC)
        felt_at = datetime.now(UTC) - FOUR_WEEKS - timedelta(days=8)
        await urgent.report(
            self._telling, patient.id, "tremor", "my hands were shaking", 1, felt_at=felt_at, caller=PRESCRIBER.caller
        )
        await self._settled(f"A back-dated report: a tremor of {felt_at:%Y-%m-%d}, told only now")
        then = datetime.now(UTC) - FOUR_WEEKS
        self._out.print(caseload_table(await care.read_caseload(self._services, 1000), datetime.now(UTC)))
        self._show_view("As it is now", await care.read_view(self._services, patient.id))
        self._show_view(
            f"As it was four weeks earlier (valid at {then:%Y-%m-%d %H:%M}), known now: the tremor is there",
            await care.read_view(self._services, patient.id, valid_at=then),
        )
        self._show_view(
            "The same four weeks earlier, as known a moment before the back-dated report: no tremor",
            await care.read_view(self._services, patient.id, valid_at=then, known_at=known_before),
        )
        again = await care.read_view(self._services, patient.id, known_at=known_before)
        return same_bytes("as known then = as served then", [(_content(before), _content(again))])

    def _show_view(self, title: str, shown: View) -> None:
        self._say(f"== {title}")
        care.print_view(shown, self._out)

    async def _decide_again(self) -> Check:
        decisions = await deciding.every_decision(self._services)
        self._say(f"== Every order so far, checked again on the evidence known then\n{deciding.covered(decisions)}")
        return deciding.same_again(decisions)

    async def _judge(self) -> list[Check]:
        return await judge(self._dsn, self._supervisor.stack.kafka_address, self._services.acknowledged)


_ORDER_COLUMNS = ("patient", "ordered", "became", "because / in spite of", "not checked")


def _order_row(names: dict[UUID, str], order: Ordered) -> tuple[str, ...]:
    because = ", ".join((*order.reasons, *order.alerts, *order.overrides)) or "-"
    return names[order.patient], order.medicine, order.outcome, because, _gaps(order.not_checked)


def _gaps(not_checked: Sequence[NotChecked]) -> str:
    """The checks that could not be made, by the reason why."""
    checks: dict[str, list[str]] = {}
    for gap in not_checked:
        checks.setdefault(gap.reason, []).append(gap.check)
    return ", ".join(f"{reason} ({len(found)} check{'s'[: len(found) > 1]})" for reason, found in checks.items()) or "-"


def _content(shown: View) -> bytes:
    """View and stamp, without the freshness that belongs to the moment of asking."""
    return shown.view.SerializeToString(deterministic=True) + shown.stamp.SerializeToString(deterministic=True)
