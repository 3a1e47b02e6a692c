"""Which charts the Patients of a bundle or folder come to: one a person, and none for whom it is not certain."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from careloop.intake.charts import UnderstoodChart
from careloop.intake.identity import earlier_ids, own_ids, person
from careloop.intake.patients import enrolment
from careloop.intake.reading import FhirResources
from careloop.intake.shapes.patients import Patient
from careloop.intake.tally import NotTakenOver, NotUnderstood, NotUsed
from careloop.intake.uniting import unite


@dataclass
class People:
    """`charts` and `left_out` go by the identity of the Patient resource. Several resources of one person share one,
    and a record that another replaces is left out and has the other's."""

    charts: dict[int, UnderstoodChart] = field(default_factory=dict)
    left_out: dict[int, NotTakenOver] = field(default_factory=dict)

    def distinct(self) -> list[UnderstoodChart]:
        return list({id(chart): chart for chart in self.charts.values()}.values())


def people(resources: FhirResources, today: date, time_zone: str) -> People:
    """Records that another replaces count as that one; records with one identity count as one where name and birth date
    agree, and where they do not, none of them counts."""
    found = People()
    replaced = dict(_replaced(resources))
    for patient in resources.of(Patient):
        try:
            found.charts[id(patient)] = _chart(patient, id(patient) in replaced, resources, today, time_zone)
        except NotTakenOver as why:
            found.left_out[id(patient)] = why
    _unite(found)
    for patient in resources.of(Patient):
        if id(patient) in replaced:
            _follow(patient, replaced, found)
    return found


def _chart(
    patient: Patient, is_replaced: bool, resources: FhirResources, today: date, time_zone: str
) -> UnderstoodChart:
    if is_replaced:
        raise NotUsed("replaced")
    request = enrolment(patient, time_zone, today)
    who = person(patient)
    if who is None:
        raise NotUnderstood("name-missing")
    origin = resources.origin(patient)
    return UnderstoodChart(
        person=who,
        own_ids=own_ids(patient, origin.root, today),
        earlier_ids=earlier_ids(patient),
        enrolment=request,
        origin=origin,
    )


def _replaced(resources: FhirResources) -> Iterator[tuple[int, Patient | None]]:
    """The records that another replaces, and which one; None where it is not here."""
    for patient in resources.of(Patient):
        for link in patient.link:
            other = resources.named(Patient, link.other, patient)
            if link.type == "replaced-by":
                yield id(patient), other
            elif link.type == "replaces" and other is not None:
                yield id(other), patient


def _unite(found: People) -> None:
    united = unite(found.distinct())
    of_person = {one: chart for chart in united.charts for one in chart.own_ids}
    clashing = {id(chart) for chart in united.clashing}
    for patient, chart in list(found.charts.items()):
        if id(chart) in clashing:
            del found.charts[patient]
            found.left_out[patient] = NotUnderstood("identity-of-two-people")
        else:
            found.charts[patient] = of_person[chart.own_ids[0]]


def _follow(patient: Patient, replaced: dict[int, Patient | None], found: People) -> None:
    """What the replaced record holds belongs to the one that stands, if that is the same person."""
    by, seen = replaced[id(patient)], {id(patient)}
    while by is not None and id(by) in replaced and id(by) not in seen:
        seen.add(id(by))
        by = replaced[id(by)]
    chart, who = found.charts.get(id(by)) if by is not None else None, person(patient)
    if chart is None:
        found.left_out[id(patient)] = NotUnderstood("replaced-by-a-record-that-is-not-here")
    elif who is not None and not who.is_same(chart.person):
        found.left_out[id(patient)] = NotUnderstood("replaced-by-a-record-of-another-person")
    else:
        found.charts[id(patient)] = chart
