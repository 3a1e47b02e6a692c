"""Facts of assessment and monitoring become notes in prescribing's own stream, in the words a screen reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from msgspec import UNSET, structs

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.noting import Notes, listening, note, note_request
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import DueRow, Write
from careloop.contracts import assessment, coordination, monitoring
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted
from careloop.contracts.terms import EnteredInError, Medicine, RiskRaised, ScaleScored
from careloop.kernel.ids import FactId, PatientId, derived_id
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.scales.score import READ_BY_THE_CHECK
from careloop.knowledge.urgency.suicide_risk import screened_risk
from services.prescribing.domain import noted
from services.prescribing.domain.assessed import PLAN, RISK_SCREEN
from services.prescribing.domain.events import Event
from services.prescribing.domain.reconciliation import CompareList, compare_list
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.taking_effect import caught_up

medication = restating(known.Medication, assessment.CurrentMedication, "name", "rxcui")
trial = restating(known.Trial, assessment.EarlierTreatment, "name", "rxcui", "weeks", "stopped_for")
allergy = restating(known.Allergy, assessment.Allergy, "substance", "rxcui")
genotype = restating(known.Genotype, assessment.GenotypeResult)
lab = restating(known.Lab, assessment.Result, "unit", at="on")


def conditions(fact: assessment.HistoryRecorded) -> tuple[known.Condition, ...]:
    return tuple(_condition(condition) for condition in fact.conditions)


def _condition(condition: assessment.Condition) -> known.Condition:
    code = condition.coding
    return known.Condition(
        icd10=code.code if code.system == "icd-10-cm" else None,
        snomed=code.code if code.system == "snomed" else None,
        text=code.display or None,
    )


def trials(fact: assessment.HistoryRecorded) -> tuple[known.Trial, ...]:
    return tuple(_trial(treatment) for treatment in fact.earlier_treatments)


def _trial(treatment: assessment.EarlierTreatment) -> known.Trial:
    stopped = treatment.stopped_for
    known_reason = stopped.known and stopped not in (assessment.StoppedFor.UNKNOWN, assessment.StoppedFor.NOT_STOPPED)
    return trial(
        treatment,
        name=treatment.medicine.name or None,
        rxcui=treatment.medicine.rxcui or None,
        weeks=None if treatment.weeks is None else Decimal(treatment.weeks),
        stopped_for=known.StoppedFor(stopped) if known_reason else None,
    )


def medications(fact: assessment.MedicationsReconciled) -> tuple[known.Medication, ...]:
    return tuple(
        medication(taken, name=taken.medicine.name or None, rxcui=taken.medicine.rxcui or None)
        for taken in fact.medications
    )


def allergies(fact: assessment.AllergiesRecorded) -> tuple[known.Allergy, ...]:
    return tuple(
        allergy(one, substance=one.substance.name or None, rxcui=one.substance.rxcui or None) for one in fact.allergies
    )


def results(fact: assessment.ResultsRecorded) -> tuple[known.Lab, ...]:
    return tuple(lab(result, unit=result.unit or None) for result in fact.results)


def genotypes(fact: assessment.GenotypesRecorded) -> tuple[known.Genotype, ...]:
    return tuple(genotype(found) for found in fact.genotypes)


def suspected(fact: monitoring.SideEffectReported) -> Medicine:
    return fact.suspected_medicine or Medicine(name="")


def is_read_by_the_check(fact: ScaleScored) -> bool:
    """Other scales say nothing that the safety check reads."""
    return fact.instrument in READ_BY_THE_CHECK


OF_BOTH = (
    note(noted.ScaleNoted, ScaleScored, only=is_read_by_the_check),
    note(noted.SuicideRiskNoted, RiskRaised),
    note(noted.StrikeNoted, EnteredInError),
)
NOTES: Notes[Event | None] = {
    **listening(
        assessment.TYPES,
        note(noted.ProfileNoted, assessment.PatientEnrolled),
        note(noted.HistoryNoted, assessment.HistoryRecorded, conditions=conditions, trials=trials),
        note(noted.MedicationsNoted, assessment.MedicationsReconciled, medications=medications),
        note(noted.AllergiesNoted, assessment.AllergiesRecorded, allergies=allergies),
        note(noted.ListGapsNoted, assessment.ListGapsRecorded),
        note(noted.PregnancyNoted, assessment.PregnancyRecorded),
        note(noted.ResultsNoted, assessment.ResultsRecorded, results=results),
        note(noted.GenotypesNoted, assessment.GenotypesRecorded, genotypes=genotypes),
        note(noted.SmokingNoted, assessment.SmokingRecorded),
        note(noted.DiagnosisNoted, assessment.DiagnosisEstablished),
        note(noted.SuicideRiskNoted, assessment.AssessmentCompleted, at={"level": "suicide_risk"}),
        note(noted.SuicideRiskNoted, assessment.AssessmentAmended, at={"level": "suicide_risk"}),
        *OF_BOTH,
    ),
    **listening(
        monitoring.TYPES,
        note(
            noted.SideEffectNoted,
            monitoring.SideEffectReported,
            suspected_medicine=lambda fact: suspected(fact).name,
            suspected_rxcui=lambda fact: suspected(fact).rxcui,
        ),
        *OF_BOTH,
    ),
}
"""What prescribing listens to, and the note each becomes."""


def is_risk_screen(fact: ScaleScored) -> bool:
    """Whether its answers say how high the suicide risk is, as a completed assessment needs it."""
    return screened_risk(fact.instrument, fact.items, fact.band, fact.occurred_at.date()) is not None


class ComparingConsumer(Handler):
    """Compares each reconciled list with the newest prescriptions; others that write meanwhile make it do so again."""

    contracts: Mapping[str, type] = {"care.assessment.MedicationsReconciled.v1": assessment.MedicationsReconciled}

    def __init__(self, consumer: str, streams: Streams[PrescriptionChart, Event]) -> None:
        self.consumer = consumer
        self._streams = streams

    async def handle(self, received: Sequence[Received]) -> Effects:
        by_patient: dict[PatientId, list[Received]] = {}
        for one in received:
            by_patient.setdefault(one.envelope.patient_id, []).append(one)
        writes = [write for patient, lists in by_patient.items() for write in await self._compared(patient, lists)]
        return Effects(writes=tuple(writes))

    async def _compared(self, patient_id: PatientId, lists: Sequence[Received]) -> Sequence[Write]:
        loaded = await self._streams.load(patient_id)
        chart, version, writes = loaded.state, loaded.version, []
        for one in lists:
            events = compare_list(_comparison(one), chart)
            if events:
                request = note_request(self.consumer, one.envelope, one.envelope.recorded_at)
                writes.append(self._streams.write(patient_id, request, events, version))
                chart, version = self._streams.decider.fold(events, chart), version + len(events)
        return writes


class EpisodesConsumer(Handler):
    """Notes how episodes begin and end, in the order in which they did, strikes of that among them.

    Where an episode is open again, doses whose day came meanwhile take effect, and `due` says what else is due.
    """

    contracts: Mapping[str, type] = {
        "care.assessment.EpisodeClosed.v1": assessment.EpisodeClosed,
        "care.assessment.PatientEnrolled.v1": assessment.PatientEnrolled,
        "care.assessment.EnteredInError.v1": EnteredInError,
    }

    def __init__(
        self,
        consumer: str,
        streams: Streams[PrescriptionChart, Event],
        clock: Clock,
        due: Callable[[Envelope, Event], Iterable[DueRow]],
    ) -> None:
        self.consumer = consumer
        self._streams = streams
        self._clock = clock
        self._due = due

    async def handle(self, received: Sequence[Received]) -> Effects:
        by_patient: dict[PatientId, list[Received]] = {}
        for one in received:
            by_patient.setdefault(one.envelope.patient_id, []).append(one)
        writes = [write for patient, heard in by_patient.items() for write in await self._heard(patient, heard)]
        return Effects(writes=tuple(writes))

    async def _heard(self, patient_id: PatientId, received: Sequence[Received]) -> Sequence[Write]:
        loaded = await self._streams.load(patient_id)
        chart, version, writes = loaded.state, loaded.version, []
        for one in received:
            events = self._following(one, chart)
            if events:
                request = note_request(self.consumer, one.envelope, one.envelope.recorded_at)
                write = self._streams.write(patient_id, request, events, version)
                due = [] if chart.ended is None else self._checks(one.envelope, events)
                writes.append(structs.replace(write, due=(*write.due, *due)))
                chart, version = self._streams.decider.fold(events, chart), version + len(events)
        return writes

    def _checks(self, envelope: Envelope, events: Sequence[Event]) -> list[DueRow]:
        return [row for event in events for row in self._due(envelope, event)]

    def _following(self, one: Received, chart: PrescriptionChart) -> list[Event]:
        _contract, noting = EPISODES_HEARD[one.envelope.type]
        heard = noting(one.envelope, one.event)
        if heard is None or not _is_about_episodes(heard, chart):
            return []
        after = self._streams.decider.fold([heard], chart)
        back = after.ended is None and bool(after.episodes.ends)
        return [*_unless_noted(heard, chart), *(caught_up(after, self._clock()) if back else ())]


def _is_about_episodes(heard: Event, chart: PrescriptionChart) -> bool:
    return not isinstance(heard, noted.StrikeNoted) or chart.episodes.rest_on(heard.fact_id)


def _unless_noted(heard: Event, chart: PrescriptionChart) -> list[Event]:
    """Another consumer notes strikes as well, and may have been first."""
    if isinstance(heard, noted.StrikeNoted):
        return [] if heard.fact_id in chart.struck else [heard]
    return [] if heard in (*chart.episodes.begun, *chart.episodes.ends) else [heard]


EPISODES_HEARD: Notes[Event | None] = listening(
    assessment.TYPES,
    note(EpisodeBegunNoted, assessment.PatientEnrolled),
    note(EpisodeEndNoted, assessment.EpisodeClosed),
    note(noted.StrikeNoted, EnteredInError),
)

comparison = restating(CompareList, assessment.MedicationsReconciled, "fact_id", "recorded_at", listed_in="fact_id")


def _comparison(received: Received) -> CompareList:
    listed, recorded_at = received.event, received.envelope.recorded_at
    named = FactId(derived_id("prescribing", "comparison", listed.fact_id))
    return comparison(listed, fact_id=named, recorded_at=recorded_at)


def with_status(fact: assessment.HistoryRecorded) -> tuple[known.Condition, ...]:
    return tuple(replace(_condition(one), clinical_status=one.clinical_status or UNSET) for one in fact.conditions)


def says_severity(fact: assessment.DiagnosisEstablished) -> bool:
    return fact.severity is not assessment.Severity.UNSPECIFIED


COURSE_NOTES: Notes[Event | None] = listening(
    assessment.TYPES,
    note(
        noted.ConditionStatusNoted,
        assessment.HistoryRecorded,
        only=lambda fact: bool(fact.conditions),
        conditions=with_status,
    ),
    note(noted.DiagnosisSeverityNoted, assessment.DiagnosisEstablished, only=says_severity),
    note(noted.AssessmentPartNoted, ScaleScored, only=is_risk_screen, part=lambda _fact: RISK_SCREEN),
    note(noted.AssessmentPartNoted, assessment.PlanProposed, part=lambda _fact: PLAN),
    note(noted.CompletionNoted, assessment.AssessmentCompleted),
    note(noted.TimeZoneNoted, assessment.PatientEnrolled),
)
"""What came to be noted later, and is noted of old facts too."""

TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    note(noted.StrikeNoted, EnteredInError),
)
"""Who may write. No check rests on it."""
