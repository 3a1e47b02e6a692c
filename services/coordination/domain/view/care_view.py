"""What people read of one patient. Field by field it is the `CareView` of the wire contract, which explains each."""

from dataclasses import dataclass

from careloop.contracts.assessment import DiagnosisEstablished, ListGapsRecorded
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.concerns import StandingConcern, standing_concerns
from services.coordination.domain.view.discrepancies import Discrepancy, discrepancies
from services.coordination.domain.view.dose_plans import DosePlan, dose_plans
from services.coordination.domain.view.doses import Dose, doses
from services.coordination.domain.view.episode import EpisodeEnd, episode_end
from services.coordination.domain.view.intake import (
    Allergies,
    History,
    Identity,
    Pregnancy,
    Results,
    allergies,
    diagnoses,
    history,
    identity,
    list_gaps,
    pregnancy,
    results,
)
from services.coordination.domain.view.medications import Medications, medications
from services.coordination.domain.view.messages import Message, messages
from services.coordination.domain.view.notices import OpenNotice, unacknowledged_notices
from services.coordination.domain.view.orders import DeclinedOrder, OverriddenOrder, declined_orders, overrides
from services.coordination.domain.view.plan import Completion, StatedPlan, completion, plan
from services.coordination.domain.view.result_actions import ResultAction, result_actions
from services.coordination.domain.view.risks import Risk, risks
from services.coordination.domain.view.scales import ScaleTrend, scale_trends
from services.coordination.domain.view.sections import Sections
from services.coordination.domain.view.side_effects import SideEffect, closed_side_effects, open_side_effects
from services.coordination.domain.view.team import TeamMember, team
from services.coordination.domain.view.timeline import TimelineEntry, timeline
from services.coordination.domain.view.urgency import Urgency, urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class CareView:
    """It depends on facts alone, never on the time of reading."""

    patient_id: PatientId
    identity: Identity | None
    team: tuple[TeamMember, ...]
    diagnoses: tuple[DiagnosisEstablished, ...]
    allergies: Allergies
    medications: Medications
    discrepancies: tuple[Discrepancy, ...]
    concerns: tuple[StandingConcern, ...]
    history: History
    pregnancy: Pregnancy | None
    results: Results
    plan: StatedPlan | None
    completion: Completion | None
    scale_trends: tuple[ScaleTrend, ...]
    open_side_effects: tuple[SideEffect, ...]
    closed_side_effects: tuple[SideEffect, ...]
    risks: tuple[Risk, ...]
    declined_orders: tuple[DeclinedOrder, ...]
    overrides: tuple[OverriddenOrder, ...]
    unacknowledged_notices: tuple[OpenNotice, ...]
    messages: tuple[Message, ...]
    doses: tuple[Dose, ...]
    timeline: tuple[TimelineEntry, ...]
    urgency: Urgency
    list_gaps: tuple[ListGapsRecorded, ...]
    episode_end: EpisodeEnd | None
    result_actions: tuple[ResultAction, ...]
    dose_plans: tuple[DosePlan, ...]


def compose(patient_id: PatientId, sections: Sections) -> CareView:
    """All that is known, from the sections alone, whenever they are composed. What of it a person sees is said in
    `readers`."""
    assessed, monitored = sections.assessment, sections.monitoring
    return CareView(
        patient_id=patient_id,
        identity=identity(assessed),
        team=team(sections.coordination),
        diagnoses=diagnoses(assessed),
        allergies=allergies(assessed),
        medications=medications(assessed, sections.prescribing),
        discrepancies=discrepancies(assessed, sections.prescribing),
        concerns=standing_concerns(sections.prescribing),
        history=history(assessed),
        pregnancy=pregnancy(assessed),
        results=results(assessed),
        plan=plan(assessed),
        completion=completion(assessed),
        scale_trends=scale_trends(sections),
        open_side_effects=open_side_effects(monitored),
        closed_side_effects=closed_side_effects(monitored),
        risks=risks(sections),
        declined_orders=declined_orders(sections.prescribing),
        overrides=overrides(sections.prescribing),
        unacknowledged_notices=unacknowledged_notices(sections.notifications),
        messages=messages(sections.coordination),
        doses=doses(monitored),
        timeline=timeline(sections),
        urgency=urgency(sections),
        list_gaps=list_gaps(assessed),
        episode_end=episode_end(assessed),
        result_actions=result_actions(monitored),
        dose_plans=dose_plans(sections.prescribing),
    )
