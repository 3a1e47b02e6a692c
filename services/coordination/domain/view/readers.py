"""What of the care view each of its readers sees: a table with a row for every field.

Nobody reads a message but who wrote it and who it is for. Clinicians see all else. The client sees the record of their
care, and not how the team watches over them: urgency, risks, what results demand, notices, discrepancies, concerns, the
reasons for which an order was declined or an alert answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from msgspec import structs

from careloop.contracts.coordination import CLIENT
from careloop.contracts.prescribing import StepDeclined
from careloop.kernel.ids import PatientId, PersonId
from services.coordination.domain.view.care_view import CareView, compose
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.dose_plans import DECLINED, DosePlan, DoseStep
from services.coordination.domain.view.medications import Medications
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.sections.coordination import CoordinationSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import Declined
from services.coordination.domain.view.urgency import UNSAID, Urgency

Show = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: CLIENT, or the subject of a clinician's token."""

    person: PersonId

    @property
    def is_client(self) -> bool:
        return self.person == CLIENT


def whole(value: Any) -> Any:
    return value


def none(_value: Any) -> tuple[Any, ...]:
    return ()


def unsaid(_value: Any) -> Urgency:
    return UNSAID


def each_without(**blank: Any) -> Show:
    """Every element, with these of its fields left empty."""
    return lambda values: tuple(replace(value, **blank) for value in values)


def without(**blank: Any) -> Show:
    return lambda value: None if value is None else replace(value, **blank)


def without_overrides(value: Medications) -> Medications:
    """Each medicine without the alerts that were answered for it, the answers, and what was not checked."""
    shorter = (replace(one, overridden=(), overrides=(), not_checked=()) for one in value.medications)
    return replace(value, medications=tuple(shorter))


def without_answers(plans: tuple[DosePlan, ...]) -> tuple[DosePlan, ...]:
    """Each plan without what answered the checker, why a step was declined, and what remains breaks."""
    return tuple(replace(one, overrides=(), steps=tuple(map(_clients_step, one.steps))) for one in plans)


def _clients_step(step: DoseStep) -> DoseStep:
    return replace(step, breaks=(), reasons=() if step.status == DECLINED else step.reasons)


CLINICIANS: Mapping[str, Show] = {
    "patient_id": whole,
    "identity": whole,
    "team": whole,
    "diagnoses": whole,
    "allergies": whole,
    "medications": whole,
    "discrepancies": whole,
    "concerns": whole,
    "history": whole,
    "pregnancy": whole,
    "results": whole,
    "plan": whole,
    "completion": whole,
    "scale_trends": whole,
    "open_side_effects": whole,
    "closed_side_effects": whole,
    "risks": whole,
    "declined_orders": whole,
    "overrides": whole,
    "unacknowledged_notices": whole,
    "messages": whole,
    "doses": whole,
    "timeline": whole,
    "urgency": whole,
    "list_gaps": whole,
    "episode_end": whole,
    "result_actions": whole,
    "dose_plans": whole,
}
THE_CLIENT: Mapping[str, Show] = {
    "patient_id": whole,
    "identity": whole,
    "team": each_without(email=""),
    "diagnoses": whole,
    "allergies": whole,
    "medications": without_overrides,
    "discrepancies": none,
    "concerns": none,
    "history": whole,
    "pregnancy": whole,
    "results": whole,
    "plan": whole,
    "completion": without(suicide_risk=""),
    "scale_trends": whole,
    "open_side_effects": each_without(triage_rule="", red_flags=()),
    "closed_side_effects": each_without(triage_rule="", red_flags=()),
    "risks": none,
    "declined_orders": each_without(reasons=(), alerts=(), not_checked=(), missing=()),
    "overrides": none,
    "unacknowledged_notices": none,
    "messages": whole,
    "doses": whole,
    "timeline": whole,
    "urgency": unsaid,
    "list_gaps": whole,
    "episode_end": without(last_risk=""),
    "result_actions": none,
    "dose_plans": without_answers,
}
"""Of messages and of the timeline there is nothing in it that the reader may not see: they are composed of what
`heard_by` leaves."""

for table in (CLINICIANS, THE_CLIENT):
    if set(table) != {field.name for field in fields(CareView)}:
        raise TypeError("every field of the care view has a row for every reader")


def view_for(reader: Reader, patient_id: PatientId, sections: Sections) -> CareView:
    """The view as this reader sees it. The same sections give the same view to the same reader at any time."""
    view = compose(patient_id, heard_by(reader, sections))
    table = THE_CLIENT if reader.is_client else CLINICIANS
    return CareView(**{field: show(getattr(view, field)) for field, show in table.items()})


def heard_by(reader: Reader, sections: Sections) -> Sections:
    """The facts that the reader may know: what is left out here shows in no list, no count and no line of the view."""
    coordination = _with_messages_of(reader.person, sections.coordination)
    if not reader.is_client:
        return replace(sections, coordination=coordination)
    return Sections(
        assessment=replace(sections.assessment, risks=(), caring_contacts=()),
        prescribing=replace(
            sections.prescribing,
            declined=_without_reasons(sections.prescribing.declined),
            steps_declined=_steps_without_reasons(sections.prescribing.steps_declined),
            discrepancies=(),
            resolved=(),
            concerns_raised=(),
            concerns_answered=(),
            concerns_ended=(),
        ),
        monitoring=replace(sections.monitoring, risks=(), contacts=(), ended=(), demanded=(), settled=()),
        notifications=NotificationsSection(),
        coordination=replace(coordination, struck=()),
    )


def _without_reasons(declined: tuple[DatedFact[Declined], ...]) -> tuple[DatedFact[Declined], ...]:
    return tuple(
        structs.replace(dated, fact=replace(dated.fact, reasons=(), alerts=(), not_checked=(), missing=()))
        for dated in declined
    )


def _steps_without_reasons(declined: tuple[DatedFact[StepDeclined], ...]) -> tuple[DatedFact[StepDeclined], ...]:
    return tuple(structs.replace(dated, fact=replace(dated.fact, reasons=())) for dated in declined)


def _with_messages_of(person: PersonId, section: CoordinationSection) -> CoordinationSection:
    mine = tuple(dated for dated in section.messages if person in (dated.fact.sender, dated.fact.recipient))
    return replace(section, messages=mine)
