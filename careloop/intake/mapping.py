"""From a bundle to the assessment service's requests: pure, and every resource is accounted for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from careloop.intake import conditions, medications, patients, scales
from careloop.intake.charts import AssessmentRequest, UnderstoodChart
from careloop.intake.reading import FhirResources
from careloop.intake.shapes import (
    AllergyIntolerance,
    Condition,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Reference,
    Shape,
)
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed, Tally
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.drugs import Unresolved, resolve

Read = TypeVar("Read", bound=Shape)


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """One patient's requests, the enrolment first."""

    patient: PatientId
    requests: tuple[AssessmentRequest, ...]


def map_bundle(
    resources: FhirResources, tally: Tally, *, now: datetime, time_zone: str, enrolled_at: datetime | None = None
) -> list[PatientFacts]:
    """Each patient's requests. Never raises; what is not taken over is counted in `tally` with its reason.

    FHIR does not say when somebody joined the programme: that is `enrolled_at`, or else the moment of recording.
    """
    mapping = _Mapping(resources, tally, now, time_zone)
    mapping.run()
    if enrolled_at is not None:
        for chart in mapping.charts.values():
            chart.enrolment.occurred_at.FromDatetime(enrolled_at)
    return [PatientFacts(chart.patient, chart.requests()) for chart in mapping.charts.values()]


class _Mapping:
    """`charts` go by the identity of their Patient resource, and so does why another patient was left out."""

    def __init__(self, resources: FhirResources, tally: Tally, now: datetime, time_zone: str) -> None:
        self.charts: dict[int, UnderstoodChart] = {}
        self._left_out: dict[int, type[NotTakenOver]] = {}
        self._resources = resources
        self._tally = tally
        self._now = now
        self._time_zone = time_zone

    def run(self) -> None:
        self._each(Patient, self._patient)
        self._each(Condition, self._condition)
        self._each(AllergyIntolerance, self._allergy)
        self._each(MedicationRequest, self._request)
        self._each(MedicationStatement, self._statement)
        self._medicines()
        self._observations()

    def _each(self, shape: type[Read], take: Callable[[Read], None]) -> None:
        for resource in self._resources.of(shape):
            self._counted(resource, take)

    def _counted(self, resource: Read, take: Callable[[Read], None]) -> None:
        try:
            take(resource)
        except NotTakenOver as why:
            self._tally.leave_out(type(resource).__name__, why)
        else:
            self._tally.mapped[type(resource).__name__] += 1

    def _chart(self, subject: Reference) -> UnderstoodChart:
        patient = self._resources.named(Patient, subject.reference)
        if patient is None:
            raise NotUnderstood("patient-unknown")
        if id(patient) not in self.charts:
            raise self._left_out[id(patient)]("patient-not-taken-over")
        return self.charts[id(patient)]

    def _require_past(self, moment: datetime | None) -> None:
        if moment is not None and moment > self._now:
            raise NotUnderstood("in-the-future")

    def _patient(self, patient: Patient) -> None:
        try:
            identity, enrolment = patients.patient_id(patient), patients.enrolment(patient, self._time_zone)
        except NotTakenOver as why:
            self._left_out[id(patient)] = type(why)
            raise
        self.charts[id(patient)] = UnderstoodChart(identity, enrolment)

    def _condition(self, condition: Condition) -> None:
        chart, known = self._chart(condition.subject), conditions.known(condition)
        self._require_past(known.recorded_at)
        chart.conditions.append(known)

    def _allergy(self, allergy: AllergyIntolerance) -> None:
        chart, reacts = self._chart(allergy.patient), conditions.reacts(allergy)
        self._require_past(reacts.recorded_at)
        chart.allergies.append(reacts)

    def _request(self, request: MedicationRequest) -> None:
        self._take(self._chart(request.subject), medications.requested(request, self._resources))

    def _statement(self, statement: MedicationStatement) -> None:
        self._take(self._chart(statement.subject), medications.stated(statement, self._resources))

    def _take(self, chart: UnderstoodChart, taken: medications.MedicineTaken) -> None:
        self._require_past(taken.recorded_at)
        chart.taken.append(taken)
        found = resolve(taken.name, taken.rxcui or None)
        if isinstance(found, Unresolved):
            self._tally.medicines[found.reason] += 1
            self._tally.unresolved[taken.rxcui] += 1
        else:
            self._tally.medicines["in-part" if found.unrecognised else "resolved"] += 1

    def _medicines(self) -> None:
        """A Medication counts by the orders that name it."""
        orders: list[MedicationRequest | MedicationStatement] = [
            *self._resources.of(MedicationRequest),
            *self._resources.of(MedicationStatement),
        ]
        references = [order.medication_reference.reference for order in orders if order.medication_reference]
        named = {id(self._resources.named(Medication, reference)) for reference in references}

        def take(medicine: Medication) -> None:
            if id(medicine) not in named:
                raise NotUsed("not-referenced")

        self._each(Medication, take)

    def _observations(self) -> None:
        """Panels and the items they name first; then totals, and whatever is no scale."""
        observations = self._resources.of(Observation)
        done: set[int] = set()
        for panel in observations:
            if (panel.has_member or panel.component) and id(panel) not in done:
                done |= self._panel(panel, done)
        for observation in observations:
            if id(observation) not in done:
                self._counted(observation, self._total)

    def _panel(self, panel: Observation, done: set[int]) -> set[int]:
        """The Observations that are accounted for with this one; none if it holds no items of a scale."""
        try:
            answered = scales.answered(panel, self._resources)
            if answered is None:
                return set()
            chart = self._chart(panel.subject)
            self._require_past(answered.at)
        except NotTakenOver as why:
            self._tally.leave_out("Observation", why)
            return {id(panel)}
        chart.answered.append(answered)
        used = {id(one) for one in answered.used} - done
        self._tally.mapped["Observation"] += len(used)
        return used

    def _total(self, observation: Observation) -> None:
        totalled, chart = scales.totalled(observation), self._chart(observation.subject)
        self._require_past(totalled.at)
        counted = next((one for one in chart.answered if (one.instrument, one.at) == totalled.key), None)
        if counted is None:
            chart.totalled.append(totalled)
        elif counted.total != totalled.total:
            raise NotUnderstood("total-contradicts-items")
