"""A decision can be taken again years later: on the evidence of then the same knowledge gives the same answer."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid5

from hypothesis import given as for_all
from hypothesis import settings
from msgspec import UNSET

from careloop.chassis.events.codec import Codec
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.pack import Pack, current_pack, load, read_data
from careloop.knowledge.screening.rechecking import rechecked
from services.prescribing.domain import events
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.past import as_decided, check_again, reasons_again
from services.prescribing.domain.state import DECIDER
from services.prescribing.replay import STREAMS_CACHED, PastDecisions, Progress, Recorded
from tests.prescribing.serving import Log
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY
from tests.support.histories.courses import COURSES, OTHER_PATIENT, decisions, issued, prescription

CODEC: Codec[events.Event] = Codec(events.TOPICS)
TAKING_LISINOPRIL = replace(
    p.PHENELZINE_TAKEN,
    medications=(replace(p.PHENELZINE_TAKEN.medications[0], name="lisinopril", rxcui=None),),
)
LITHIUM = prescription("lithium carbonate", "600")
YEARS_LATER = TODAY + timedelta(days=3 * 365)


def stored(stream: list[events.Event]) -> list[events.Event]:
    """The stream as it comes back from a store."""
    return [CODEC.decode(*CODEC.encode(event)) for event in stream]


def without(rule: str) -> Pack:
    """A pack in which that rule had ended long ago."""
    content = read_data()
    text = content["interactions.yaml"].decode()
    before, found, after = text.partition(f"- id: {rule}\n")
    assert found
    ended = after.replace("effective_from: 2000-01-01", "effective_from: 2000-01-01\n  effective_to: 2001-01-01", 1)
    return load({**content, "interactions.yaml": f"{before}{found}{ended}".encode()})


@settings(max_examples=150, deadline=None)
@for_all(COURSES)
def test_running_a_capsule_again_gives_the_same_answer(course: list[events.Event]) -> None:
    stream = stored(course)
    for decided in decisions(stream):
        past = as_decided(decided, stream, YEARS_LATER)
        again = check_again(past)
        capsule = decided.capsule
        assert again == capsule.screening
        assert past.asking.chart.evidence() == capsule.evidence
        assert reasons_again(past, again) == (
            decided.reasons if isinstance(decided, events.PrescriptionDeclined) else ()
        )


@settings(max_examples=100, deadline=None)
@for_all(COURSES)
def test_what_is_noted_later_changes_no_past_decision(course: list[events.Event]) -> None:
    later = [*course, p.PHENELZINE_TAKEN, p.SEVERE_NAUSEA, *(replace(p.STRUCK, fact_id=e.fact_id) for e in course)]
    for decided in decisions(course):
        assert check_again(as_decided(decided, later, TODAY)) == decided.capsule.screening


def test_every_capsule_names_rules_versions_digest_and_evidence() -> None:
    *_, declined = issued(*p.ASSESSED, TAKING_LISINOPRIL, order=LITHIUM)
    assert isinstance(declined, events.PrescriptionDeclined)
    capsule = declined.capsule
    assert capsule.screening.knowledge == current_pack().reference
    assert {(alert.rule, alert.version) for alert in capsule.screening.alerts} >= {("ddi.lithium-raas", 1)}
    assert capsule.evidence == tuple(noted.evidence for noted in (*p.ASSESSED, TAKING_LISINOPRIL))
    assert capsule.as_of == TODAY


def test_a_decision_from_before_the_day_was_kept_is_taken_as_of_the_day_it_was_recorded() -> None:
    *facts, decided = issued(*p.ASSESSED, order=p.SERTRALINE_50)
    assert isinstance(decided, events.PrescriptionIssued)
    old = replace(decided, capsule=replace(decided.capsule, as_of=UNSET))
    assert b'"as_of"' not in CODEC.encode(old)[1]
    past = as_decided(old, [*facts, old], TODAY)
    assert (past.asking.as_of, check_again(past)) == (TODAY, old.capsule.screening)


def test_a_declined_change_of_dose_is_not_a_duplicate_of_its_own_prescription() -> None:
    stream = issued(*p.ASSESSED, order=p.SERTRALINE_50)
    change = replace(p.CHANGE_TO_100, prescription=stream[-1].fact_id, daily_dose_mg=Decimal(600))
    (declined,) = change_dose(change, DECIDER.fold(stream))
    assert isinstance(declined, events.PrescriptionDeclined)
    past = as_decided(declined, [*stream, declined], TODAY)
    assert past.asking.changing == change.prescription
    assert check_again(past) == declined.capsule.screening
    assert "duplicate.same-ingredient" not in {alert.rule for alert in declined.capsule.screening.alerts}


def test_another_pack_answers_on_the_evidence_of_then() -> None:
    stream = issued(*p.ASSESSED, TAKING_LISINOPRIL, order=LITHIUM)
    (decided,) = decisions(stream)
    past = as_decided(decided, stream, TODAY)
    found = rechecked(decided.capsule.screening, check_again(past, without("ddi.lithium-raas")))
    assert [alert.rule for alert in found.no_longer_alerts] == ["ddi.lithium-raas"]
    assert (found.now_alerts, found.changed_alerts, found.same) == ((), (), False)


async def test_what_is_recorded_while_the_log_is_read_is_left_out() -> None:
    log = Log()
    await log.tell(PATIENT, [p.ISSUED, p.PROFILE, p.DECLINED])
    told = []
    async for found in PastDecisions(log.store, CODEC, page=2).all():
        told.append(found)
        await log.tell(OTHER_PATIENT, [p.DECLINED])
    assert [found.past.decided for found in told if isinstance(found, Recorded)] == [p.ISSUED, p.DECLINED]
    assert [found for found in told if isinstance(found, Progress)] == [
        Progress(position=2, through=3),
        Progress(position=3, through=3),
    ]


async def test_every_stream_is_read_however_many_there_are() -> None:
    log = Log()
    patients = [PatientId(uuid5(PATIENT, str(number))) for number in range(STREAMS_CACHED + 2)]
    for patient in patients:
        await log.tell(patient, [p.PROFILE])
    for patient in [*patients, *patients]:
        await log.tell(patient, [p.ISSUED])
    told = [found.patient_id async for found in log.decisions.all() if isinstance(found, Recorded)]
    assert told == [*patients, *patients]


async def test_the_log_tells_every_decision_in_order_and_how_far_it_is() -> None:
    log = Log()
    one, other = issued(*p.ASSESSED, order=p.SERTRALINE_50), issued(p.PROFILE, order=LITHIUM)
    await log.tell(PATIENT, one)
    await log.tell(OTHER_PATIENT, [*other, replace(p.STRUCK, fact_id=other[-1].fact_id)])
    told = [found async for found in log.decisions.all()]
    recorded = [found for found in told if isinstance(found, Recorded)]
    assert [(found.patient_id, found.past.decided, found.struck) for found in recorded] == [
        (PATIENT, one[-1], False),
        (OTHER_PATIENT, other[-1], True),
    ]
    events_in_all = len(one) + len(other) + 1
    assert told[-1] == Progress(position=events_in_all, through=events_in_all)
    assert [found.past.decided for found in await log.decisions.of_patient(PATIENT)] == [one[-1]]
    assert (await log.store.head()).position == events_in_all


async def test_an_empty_log_and_an_unknown_patient_have_no_decisions() -> None:
    log = Log()
    assert [found async for found in log.decisions.all()] == []
    assert await log.decisions.of_patient(PATIENT) == []


def test_decisions_are_taken_as_of_the_day_of_the_call() -> None:
    *_, decided = issued(*p.ASSESSED, order=p.SERTRALINE_50, now=NOON + timedelta(days=2))
    assert isinstance(decided, events.PrescriptionIssued)
    assert decided.capsule.as_of == TODAY + timedelta(days=2)
