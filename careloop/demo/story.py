"""The demo from beginning to end: what happens, in order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import length_hint
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from careloop.cli.commands import care
from careloop.cli.commands.intake import files_in, take_in
from careloop.cli.commands.status import read_states
from careloop.demo import acting, escalation, order_checks
from careloop.demo.assessments import InitialAssessment, assign_team
from careloop.demo.differences import differences
from careloop.demo.generated_weeks import DAYS, WEEKS, weeks_of
from careloop.demo.judging import judge
from careloop.demo.orders import OrderOutcome, PatientOrders
from careloop.demo.outage import Outage
from careloop.demo.people import PRESCRIBER
from careloop.demo.printing import Patient, Printing
from careloop.demo.progress import progress
from careloop.demo.requests import RecordingServices, Requests, all_of
from careloop.demo.treatment_weeks import TreatmentWeeks
from careloop.demo.verdict import Check, same_bytes
from careloop.demo.waiting import Settled
from careloop.local.schemas import address
from careloop.local.supervisor import Supervisor

FEWEST_PATIENTS = 12
SEED = 7
FOUR_WEEKS = timedelta(weeks=4)
LISTED_BESIDE_LITHIUM = ("ibuprofen", "1200")
UNKNOWN_DRUG = ("zelvoritine 20 MG Oral Tablet", "20")


class TooFewPatients(Exception):
    """The generated bundles hold fewer than the demo needs."""


class Ended(NamedTuple):
    """The verdict on a run; the patient whose view it showed, and one whose order was declined."""

    checks: list[Check]
    shown: Patient
    declined: Patient


class Story:
    """One run on a system that is up. Every step waits for what the next needs, by condition and with a deadline."""

    def __init__(self, supervisor: Supervisor, services: RecordingServices, out: Printing) -> None:
        self._supervisor = supervisor
        self._services = services
        self._requests = Requests(services)
        self._out = out
        self._start = datetime.now(UTC) - timedelta(days=DAYS)

    async def run(self, bundles: Path) -> Ended:
        """Everything that happens."""
        await self._take_in(bundles)
        patients = await self._patients()
        tokens = await self._assess(patients)
        orders = await self._order(patients, tokens)
        await self._explain(patients)
        await self._twelve_weeks(patients, orders)
        await self._severe_side_effect(patients[0])
        acted = [await self._new_concern(patients[2]), await self._emergency(patients[4])]
        checks = [*acted, await self._show(patients[0]), await self._decide_again()]
        async with progress(lambda: "comparing every stored row, record and view"):
            judged = await judge(self._dsn, self._supervisor.stack.kafka_address, self._services.acknowledged)
        return Ended([*judged, *checks], patients[0], patients[1])

    @property
    def _dsn(self) -> str:
        return address(self._supervisor.stack.admin_url)

    async def _settled(self, what: str) -> None:
        states = await read_states(self._services, max_lag=60)
        consumptions = {(state.service, one.consumer, one.source) for state in states for one in state.consumers}
        async with progress(lambda: f"waiting until {what} is published, consumed and in the view"):
            took = await Settled(self._dsn, frozenset(consumptions)).wait()
        self._out.detail(f"{what}: published, consumed and in the view after {took:.1f} s.")

    async def _take_in(self, bundles: Path) -> None:
        self._out.step("Intake: FHIR R4 bundles of generated patients (Synthea)")
        files = list(files_in([bundles]))
        left = iter(files)
        async with progress(lambda: f"{len(files) - length_hint(left)} of {len(files)} records read"):
            report = await take_in(left, self._services, "UTC", now=datetime.now(UTC), enrolled_at=self._start)
        self._out.intake(report)
        await self._settled("the imported record")

    async def _patients(self) -> list[Patient]:
        entries = await care.read_caseload(self._services, 1000)
        found = sorted((Patient(UUID(entry.patient_id), entry.name) for entry in entries), key=lambda it: it.name)
        if len(found) < FEWEST_PATIENTS:
            raise TooFewPatients(f"{len(found)} patients came in and {FEWEST_PATIENTS} are needed")
        return found

    async def _assess(self, patients: Sequence[Patient]) -> dict[UUID, str]:
        self._out.step("Assessment: a care team for each patient; a psychiatrist completes what the record leaves open")
        async with progress(lambda: f"{self._services.acknowledged_writes} commands acknowledged"):
            await all_of(assign_team(self._requests, patient.id, self._start) for patient in patients)
            assessments = [InitialAssessment(self._requests, patient.id, self._start) for patient in patients]
            completed = await all_of(assessment.complete() for assessment in assessments)
        self._out.say(f"{PRESCRIBER.name} completed {len(completed)} assessments.")
        return {patient.id: token for patient, token in zip(patients, completed, strict=True)}

    async def _order(self, patients: Sequence[Patient], tokens: dict[UUID, str]) -> dict[UUID, OrderOutcome]:
        self._out.step("Orders, each under the medication safety check")
        declined, overridden, unknown = patients[1], patients[2], patients[3]
        at_first = self._start + timedelta(days=1)

        async def usual(patient: Patient) -> OrderOutcome:
            return await PatientOrders(self._requests, patient.id, (tokens[patient.id],)).first_that_fits(at_first)

        async def with_list(
            patient: Patient, takes: tuple[str, str], medicine: str, dose: str, spite: bool
        ) -> OrderOutcome:
            token = await InitialAssessment(self._requests, patient.id, at_first).takes(takes)
            orders = PatientOrders(self._requests, patient.id, (token,))
            order = orders.order_in_spite if spite else orders.order
            return await order(medicine, dose, at_first)

        special = {
            declined.id: with_list(declined, ("phenelzine", "45"), "sertraline 50 MG Oral Tablet", "50", spite=False),
            overridden.id: with_list(
                overridden, LISTED_BESIDE_LITHIUM, "lithium carbonate 300 MG Oral Capsule", "600", spite=True
            ),
            unknown.id: PatientOrders(self._requests, unknown.id, (tokens[unknown.id],)).order(*UNKNOWN_DRUG, at_first),
        }
        async with progress(lambda: f"{self._services.acknowledged_writes} commands acknowledged"):
            orders: list[OrderOutcome] = await all_of(special.get(patient.id) or usual(patient) for patient in patients)
        self._out.orders({patient.id: patient.name for patient in patients}, orders)
        return {order.patient: order for order in orders}

    async def _explain(self, patients: Sequence[Patient]) -> None:
        self._out.step("Why: an order declined, one that went on for coded reasons, one that could not be checked")
        for patient in patients[1:4]:
            self._out.say(f"{patient.name}: {await order_checks.explanation(self._services, patient.id)}")

    async def _twelve_weeks(self, patients: Sequence[Patient], orders: dict[UUID, OrderOutcome]) -> None:
        self._out.step(
            f"{WEEKS} weeks of care: GENERATED, not clinical data (seed {SEED}). Weekly PHQ-9 and GAD-7, side effects, "
            "doses; recorded now, with the times at which they happened"
        )
        courses = [
            TreatmentWeeks(self._requests, patient.id, orders.get(patient.id), self._start, weeks_of(patient.id, SEED))
            for patient in patients
        ]
        before, began = self._services.acknowledged_writes, asyncio.get_running_loop().time()
        of = sum(course.writes for course in courses)
        outage = Outage(self._supervisor, self._services, "coordination")
        async with progress(
            lambda: f"{self._services.acknowledged_writes - before:,} of {of:,} commands acknowledged {outage.account}"
        ):
            await asyncio.gather(all_of(course.send() for course in courses), outage.happen(before + 400, before + 700))
        took = asyncio.get_running_loop().time() - began
        self._out.say(f"{self._services.acknowledged_writes - before:,} commands acknowledged in {took:.1f} s.")
        self._out.say(outage.account)
        await self._settled("everything")

    async def _severe_side_effect(self, patient: Patient) -> None:
        self._out.step(f"{patient.name} reports a severe side effect now, between visits")
        async with progress(lambda: "waiting for the notice in the inbox, and for its escalation"):
            found = await escalation.escalate(self._requests, patient.id)
        self._out.say(
            f"Triage: {found.report.triage} by rule {found.report.rule}. In the prescriber's inbox after "
            f"{found.seen_after:.1f} s ({found.priority}: {found.subject}).\n"
            f"Nobody acknowledged it: after {found.escalated_after:.1f} s the care manager got it too, and took it on."
        )
        await self._settled("the report with its notices")

    async def _new_concern(self, patient: Patient) -> Check:
        self._out.step(f"{patient.name} turns out to take one more medicine, beside what is prescribed")
        async with progress(lambda: "waiting for the concern in the view, and for its answer"):
            found = await acting.answer_concern(self._requests, patient.id, LISTED_BESIDE_LITHIUM)
        self._out.say(
            f"Raised by the standing check ({found.severity}): {found.message}\n"
            f"{PRESCRIBER.name} answered: {found.answer} until {found.by_when}; then it is raised again if it stands."
        )
        await self._settled("the concern with its answer")
        return found.check

    async def _emergency(self, patient: Patient) -> Check:
        self._out.step(f'{patient.name} writes to the care manager: "{acting.WORDS}"')
        async with progress(lambda: "waiting for the notice in the care manager's inbox"):
            found = await acting.answer_emergency(self._requests, patient.id)
        told = "\n".join(f"  {line}" for line in found.lines)
        self._out.say(f"Graded {found.triage}. The client reads at once:\n{told}\nThe care manager took it on.")
        await self._settled("the message with its notices")
        return found.check

    async def _show(self, patient: Patient) -> Check:
        """The view as it is, and what a back-dated report changes in the view of four weeks ago."""
        before = await care.read_view(self._services, patient.id)
        known_before = before.stamp.known_at.ToDatetime(UTC)
        felt_at = datetime.now(UTC) - FOUR_WEEKS - timedelta(days=8)
        await escalation.report(
            self._requests, patient.id, "tremor", "my hands were shaking", 1, felt_at=felt_at, caller=PRESCRIBER.caller
        )
        await self._settled("the back-dated report")
        self._out.caseload(await care.read_caseload(self._services, 1000))
        self._out.view(await care.read_view(self._services, patient.id))
        then = datetime.now(UTC) - FOUR_WEEKS
        as_known_then = await care.read_view(self._services, patient.id, valid_at=then, known_at=known_before)
        as_known_now = await care.read_view(self._services, patient.id, valid_at=then)
        self._out.step(
            f"A tremor of {felt_at:%Y-%m-%d} was reported only now. What that changes in the view of {then:%Y-%m-%d}, "
            "as it was known before the report (-) and as it is known now (+)"
        )
        self._out.say("\n".join(differences(as_known_then.view, as_known_now.view)))
        again = await care.read_view(self._services, patient.id, known_at=known_before)
        return same_bytes("as known then = as served then", [(_content(before), _content(again))])

    async def _decide_again(self) -> Check:
        decisions = await order_checks.every_decision(self._services)
        self._out.step("Every order so far, checked again on the evidence that was known then")
        self._out.say(order_checks.covered(decisions))
        return order_checks.same_again(decisions)


def _content(shown: care.View) -> bytes:
    """View and stamp, without the freshness that belongs to the moment of asking."""
    return shown.view.SerializeToString(deterministic=True) + shown.stamp.SerializeToString(deterministic=True)
