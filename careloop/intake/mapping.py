"""From the resources of a bundle or folder to the assessment service's requests: pure, and every resource is accounted
for."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from careloop.intake import allergies, circumstances, conditions, medications, scales
from careloop.intake.charts import UnderstoodChart
from careloop.intake.facts import PatientFacts
from careloop.intake.medicines import Order
from careloop.intake.origin import Origin
from careloop.intake.people import People, people
from careloop.intake.reading import UNKNOWN, FhirResources, Unfinished
from careloop.intake.shapes.elements import Reference, Shape
from careloop.intake.shapes.medications import (
    Medication,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
)
from careloop.intake.shapes.patients import Patient
from careloop.intake.shapes.records import AllergyIntolerance, Condition, Observation, QuestionnaireResponse
from careloop.intake.tally import Attention, NotTakenOver, NotUnderstood, NotUsed, Tally
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.drugs import Unresolved, resolve

Read = TypeVar("Read", bound=Shape)
LIST_OF = {
    "Condition": "history",
    "AllergyIntolerance": "allergies",
    "MedicationRequest": "medications",
    "MedicationStatement": "medications",
}
"""The list of the chart that a resource belongs to; what is not understood of it is missing there."""
UNCERTAIN = "status-unknown"
PATIENT_UNKNOWN = "patient-unknown"


def map_resources(
    resources: FhirResources, tally: Tally, *, now: datetime, time_zone: str, enrolled_at: datetime | None = None
) -> list[PatientFacts]:
    """Each person's facts. Never raises; what is not taken over is counted in `tally` with its reason.

    FHIR does not say when somebody joined the programme: that is `enrolled_at`, or else the moment of recording.
    """
    mapping = _Mapping(resources, tally, now, people(resources, now.date(), time_zone))
    mapping.run()
    charts = mapping.people.distinct()
    if enrolled_at is not None:
        for chart in charts:
            chart.enrolment.occurred_at.FromDatetime(enrolled_at)
    return [PatientFacts(chart, now) for chart in charts]


class _Mapping:
    """Fills the charts with one kind of resource after the other."""

    def __init__(self, resources: FhirResources, tally: Tally, now: datetime, found: People) -> None:
        self.people = found
        self._resources = resources
        self._tally = tally
        self._now = now
        charts = found.distinct()
        self._only = charts[0] if len(charts) == 1 and found.left_out.keys() <= found.charts.keys() else None

    def run(self) -> None:
        for left_out in self._resources.left_out:
            self._tell_owner(left_out.kind, left_out.why, left_out.origin, left_out.subject)
        for page in self._resources.unfinished:
            self._miss(page)
        self._each(Patient, self._patient)
        self._each(Condition, self._condition)
        self._each(AllergyIntolerance, self._allergy)
        self._each(MedicationRequest, self._request)
        self._each(MedicationStatement, self._statement)
        self._each(MedicationDispense, self._dispense)
        self._medicines()
        self._each(QuestionnaireResponse, self._response)
        self._observations()

    def _each(self, shape: type[Read], take: Callable[[Read], None]) -> None:
        for resource in self._resources.of(shape):
            self._counted(resource, take)

    def _counted(self, resource: Read, take: Callable[[Read], None]) -> None:
        try:
            take(resource)
        except NotTakenOver as why:
            self._leave_out(resource, why)
        else:
            self._tally.mapped[type(resource).__name__] += 1

    def _leave_out(self, resource: Shape, why: NotTakenOver) -> None:
        kind, origin = type(resource).__name__, self._resources.origin(resource)
        self._tally.leave_out(kind, why)
        if isinstance(resource, Patient):
            if isinstance(why, NotUnderstood) or why.reason == "inactive":
                self._tally.attention.append(Attention(resource=kind, reason=why.reason, origin=origin))
        elif isinstance(why, NotUnderstood) and not self._is_of_no_use(_subject(resource), origin):
            self._tell_owner(kind, why, origin, _subject(resource))

    def _tell_owner(self, kind: str, why: NotUnderstood, origin: Origin, subject: Reference) -> None:
        """What names nobody may be anybody's: then no list that it may belong to is the whole, whosever."""
        chart = self._owner(subject, origin)
        if chart is None and why.leaves_gap and not subject.reference and subject.identifier is None:
            for anybody in self.people.distinct():
                anybody.left_out.update(_lists(kind))
        self._tell(kind, why, origin, chart)

    def _tell(self, kind: str, why: NotUnderstood, origin: Origin, chart: UnderstoodChart | None) -> None:
        """A person must look at it, and a list that it belongs to is not the whole."""
        if chart is not None and why.leaves_gap:
            chart.left_out.update(_lists(kind))
        patient = chart.own_ids[0] if chart else None
        self._tally.attention.append(Attention(resource=kind, reason=why.reason, origin=origin, patient=patient))

    def _is_of_no_use(self, subject: Reference, origin: Origin) -> bool:
        """Whether it is about somebody of whom nothing is used, such as one who died."""
        patient = self._resources.references.find(Patient, subject, origin)
        return (
            patient is not None
            and isinstance(self.people.left_out.get(id(patient)), NotUsed)
            and (id(patient) not in self.people.charts)
        )

    def _miss(self, page: Unfinished) -> None:
        """Of everybody in the folder more may stand on a page that is not here."""
        lists = {LIST_OF[kind] for kind in page.kinds if kind in LIST_OF}
        charts = self.people.distinct()
        for chart in charts:
            chart.left_out.update(lists)
        patients: list[PatientId | None] = [chart.own_ids[0] for chart in charts]
        for patient in patients or [None]:
            self._tally.attention.append(
                Attention(resource="Bundle", reason="next-page-missing", origin=page.origin, patient=patient)
            )

    def _owner(self, subject: Reference, origin: Origin) -> UnderstoodChart | None:
        """Whose it is as far as that can be seen: of one that names nobody who is here, that of the only person."""
        patient = self._resources.references.find(Patient, subject, origin)
        return self._only if patient is None else self.people.charts.get(id(patient))

    def _chart(self, subject: Reference, by: Shape) -> UnderstoodChart:
        patient = self._resources.named(Patient, subject, by)
        if patient is None:
            raise NotUnderstood(PATIENT_UNKNOWN)
        if id(patient) not in self.people.charts:
            raise type(self.people.left_out[id(patient)])("patient-not-taken-over")
        return self.people.charts[id(patient)]

    def _require_past(self, moment: datetime | None) -> None:
        if moment is not None and moment > self._now:
            raise NotUnderstood("in-the-future")

    def _patient(self, patient: Patient) -> None:
        if id(patient) in self.people.left_out:
            raise self.people.left_out[id(patient)]

    def _condition(self, condition: Condition) -> None:
        chart, known = self._chart(condition.subject, condition), conditions.known(condition)
        self._require_past(known.recorded_at)
        chart.conditions.append(known)

    def _allergy(self, allergy: AllergyIntolerance) -> None:
        chart, entries = self._chart(allergy.patient, allergy), allergies.reacts(allergy)
        for entry in entries:
            self._require_past(entry.recorded_at)
        chart.allergies += entries

    def _request(self, request: MedicationRequest) -> None:
        chart = self._chart(request.subject, request)
        self._take(request, chart, medications.requested(request, self._resources, self._now.date()))

    def _statement(self, statement: MedicationStatement) -> None:
        chart = self._chart(statement.subject, statement)
        self._take(statement, chart, medications.stated(statement, self._resources, self._now.date()))

    def _dispense(self, dispense: MedicationDispense) -> None:
        chart = self._chart(dispense.subject, dispense)
        taken = medications.handed_over(dispense, self._resources, self._now.date())
        self._require_past(taken.recorded_at)
        chart.taken.append(taken)
        self._tally.waiting["fills"] += 1

    def _take(self, order: Order, chart: UnderstoodChart, taken: medications.MedicineTaken) -> None:
        self._require_past(taken.recorded_at)
        chart.taken.append(taken)
        if not taken.certain:
            why = NotUnderstood(UNCERTAIN, leaves_gap=False)
            self._tell(type(order).__name__, why, self._resources.origin(order), chart)
        if taken.none_taken:
            return
        found = resolve(taken.name, taken.rxcui or None)
        if isinstance(found, Unresolved):
            self._tally.medicines[found.reason] += 1
            self._tally.unresolved[taken.rxcui] += 1
        else:
            self._tally.medicines["in-part" if found.unrecognised else "resolved"] += 1

    def _medicines(self) -> None:
        """A Medication counts by the orders that name it."""
        orders: list[Order] = [
            *self._resources.of(MedicationRequest),
            *self._resources.of(MedicationStatement),
            *self._resources.of(MedicationDispense),
        ]
        named = {
            id(self._resources.named(Medication, order.medication_reference, order))
            for order in orders
            if order.medication_reference
        }

        def take(medicine: Medication) -> None:
            if id(medicine) not in named:
                raise NotUsed("not-referenced")

        self._each(Medication, take)

    def _response(self, response: QuestionnaireResponse) -> None:
        found = scales.of_response(response)
        if found is None:
            raise NotUsed("not-a-scale")
        chart = self._chart(response.subject, response)
        self._require_past(found.at)
        self._scales(chart, found, response)

    def _observations(self) -> None:
        """Panels and the items they name first, then items that no panel names; then whatever is no scale's item."""
        observations = self._resources.of(Observation)
        done = {id(one) for one in observations if scales.of_other(one)}
        for observation in observations:
            if id(observation) in done:
                self._counted(observation, scales.require_own)
        for panel in observations:
            if (panel.has_member or panel.component) and id(panel) not in done:
                done |= self._panel(panel, done)
        done |= self._items([one for one in observations if id(one) not in done])
        for observation in observations:
            if id(observation) not in done:
                self._counted(observation, self._observation)

    def _panel(self, panel: Observation, done: set[int]) -> set[int]:
        """The Observations that are accounted for with this one; none if it holds no items of a scale."""
        try:
            found = scales.of_panel(panel, self._resources)
            if found is None:
                return set()
            chart = self._chart(panel.subject, panel)
            self._require_past(found.at)
        except NotTakenOver as why:
            self._leave_out(panel, why)
            return {id(panel)}
        self._scales(chart, found, panel)
        used = {id(panel), *(id(one) for scale in found.answered for one in scale.used)} - done
        self._tally.mapped["Observation"] += len(used)
        return used

    def _items(self, observations: list[Observation]) -> set[int]:
        """Items of one person, scale and moment make the scale. All of them are accounted for."""
        groups: dict[tuple[str, ...], list[Observation]] = defaultdict(list)
        for one in observations:
            code = scales.item_code(one)
            if code is not None and one.status in scales.FINAL:
                instrument = scales.INSTRUMENT_OF_ITEM[code]
                groups[one.subject.reference, instrument, one.effective_date_time or one.issued].append(one)
        for items in groups.values():
            try:
                chart, scale = self._chart(items[0].subject, items[0]), scales.of_items(items)
                self._require_past(scale.at)
            except NotTakenOver as why:
                for one in items:
                    self._leave_out(one, why)
            else:
                self._answered(chart, scale, items[0])
                self._tally.mapped["Observation"] += len(items)
        return {id(one) for items in groups.values() for one in items}

    def _scales(self, chart: UnderstoodChart, found: scales.Questionnaire, by: Shape) -> None:
        chart.totalled += found.totalled
        for scale in found.answered:
            self._answered(chart, scale, by)
        for why in found.not_understood:
            self._tell(type(by).__name__, why, self._resources.origin(by), chart)

    def _answered(self, chart: UnderstoodChart, scale: scales.AnsweredScale, by: Shape) -> None:
        if scale.doubt:
            self._tell(type(by).__name__, NotUnderstood(scale.doubt), self._resources.origin(by), chart)
        chart.answered.append(scale)

    def _observation(self, observation: Observation) -> None:
        pregnancy = circumstances.pregnancy(observation, self._now)
        smoking, genotype = circumstances.smoking(observation), circumstances.genotype(observation)
        if pregnancy is not None:
            self._past_chart(observation, pregnancy.at).pregnancies.append(pregnancy)
        elif smoking is not None:
            self._past_chart(observation, smoking.at).smoking.append(smoking)
        elif genotype is not None:
            self._past_chart(observation, genotype.at).genotypes.append(genotype)
        else:
            self._total(observation)

    def _past_chart(self, observation: Observation, at: datetime) -> UnderstoodChart:
        self._require_past(at)
        return self._chart(observation.subject, observation)

    def _total(self, observation: Observation) -> None:
        if (code := scales.item_code(observation)) is not None:
            scales.final_at(observation, {code: [observation]})
        totalled, chart = scales.totalled(observation), self._chart(observation.subject, observation)
        self._require_past(totalled.at)
        counted = next((one for one in chart.answered if (one.instrument, one.at) == totalled.key), None)
        if counted is None or counted.doubt:
            chart.totalled.append(totalled)
        elif counted.total != totalled.total:
            raise NotUnderstood("total-contradicts-items")


def _lists(kind: str) -> list[str]:
    """The lists that a resource of this type may belong to; of one whose type cannot be read, all."""
    if kind in {UNKNOWN, "Bundle"}:
        return sorted(set(LIST_OF.values()))
    return [LIST_OF[kind]] if kind in LIST_OF else []


def _subject(resource: Shape) -> Reference:
    """Whom a resource is about."""
    found = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    return found if isinstance(found, Reference) else Reference()
