"""Every field of every part of the view, from the events that tell it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.terms import Coding, Medicine, RiskLevel, RiskRaised, Role
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.doses import Dose
from services.coordination.domain.view.intake import (
    Allergies,
    History,
    HistoryCondition,
    Identity,
    LatestResult,
    Pregnancy,
    Results,
)
from services.coordination.domain.view.medications import DoseChange, Medication, Medications
from services.coordination.domain.view.messages import Message
from services.coordination.domain.view.notices import OpenNotice
from services.coordination.domain.view.orders import DeclinedOrder, OverriddenOrder
from services.coordination.domain.view.plan import Completion, StatedPlan
from services.coordination.domain.view.risks import Risk
from services.coordination.domain.view.scales import ScalePoint, ScaleTrend
from services.coordination.domain.view.side_effects import SideEffect
from tests.coordination.telling import recorded_at, view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import week
from tests.support.controls.moments import PRESCRIBER, fact
from tests.support.whole import unsaid

ENROLLED = replace(
    control.ENROLLED,
    email="alma@example.org",
    location=assessment.Location(
        address="1 Elm Street", emergency_department="St. Mary", emergency_department_phone="555-0102"
    ),
)
IDENTITY = Identity(
    fact_id=fact("enrolled"),
    name="Alma Reyes",
    birth_date=date(1990, 4, 12),
    sex="female",
    phone="555-0100",
    email="alma@example.org",
    emergency_contact=assessment.EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
    location=assessment.Location(
        address="1 Elm Street", emergency_department="St. Mary", emergency_department_phone="555-0102"
    ),
    time_zone="America/Chicago",
)


def test_the_identity_says_all_of_the_newest_enrolment() -> None:
    before = replace(ENROLLED, fact_id=fact("enrolled before"), name="Alma", occurred_at=week(-1))
    assert unsaid(IDENTITY) == []
    assert view(assessment=(ENROLLED, before)).identity == view(assessment=(before, ENROLLED)).identity == IDENTITY


def test_what_is_not_known_of_a_client_stays_unknown() -> None:
    little = replace(
        ENROLLED, birth_date=date(1990, 4, 12), phone="", email="", emergency_contact=None, location=None, time_zone=""
    )
    assert view(assessment=(little,)).identity == replace(
        IDENTITY, phone="", email="", emergency_contact=None, location=None, time_zone=""
    )


def diagnosis(name: str, icd10: str, at: Any, severity: assessment.Severity) -> assessment.DiagnosisEstablished:
    return replace(control.DEPRESSION, fact_id=fact(name), icd10=icd10, display=name, severity=severity, occurred_at=at)


def test_diagnoses_stand_by_code_each_as_it_was_said_last() -> None:
    severities = assessment.Severity
    facts = (
        diagnosis("panic", "F41.0", week(2), severities.MILD),
        diagnosis("depression", "F33.1", week(3), severities.SEVERE),
        diagnosis("depression before", "F33.1", week(1), severities.MODERATE),
    )
    assert view(assessment=facts).diagnoses == (
        assessment.DiagnosisEstablished(
            fact_id=fact("depression"),
            icd10="F33.1",
            display="depression",
            severity=severities.SEVERE,
            verification=assessment.VerificationStatus.PROVISIONAL,
            occurred_at=week(3),
        ),
        assessment.DiagnosisEstablished(
            fact_id=fact("panic"),
            icd10="F41.0",
            display="panic",
            severity=severities.MILD,
            verification=assessment.VerificationStatus.PROVISIONAL,
            occurred_at=week(2),
        ),
    )


def test_allergies_are_not_asked_or_none_or_listed() -> None:
    assert view().allergies == Allergies(asked=Asked.NOT_ASKED, listed=(), fact_id=None, occurred_at=None)
    assert view(assessment=(control.NO_ALLERGIES,)).allergies == Allergies(
        asked=Asked.NONE_KNOWN, listed=(), fact_id=fact("no-allergies"), occurred_at=week(0)
    )
    assert view(assessment=(control.ALLERGIC,)).allergies == Allergies(
        asked=Asked.LISTED, listed=control.ALLERGIC.allergies, fact_id=fact("allergic"), occurred_at=week(1)
    )


def taken(name: str, dose: str | None, started: date | None, stopped: date | None) -> assessment.CurrentMedication:
    return assessment.CurrentMedication(
        medicine=Medicine(name=name, rxcui=f"rx-{name}"),
        daily_dose_mg=None if dose is None else Decimal(dose),
        started_on=started,
        stopped_on=stopped,
        source=f"source of {name}",
    )


LISTED = replace(
    control.LISTED,
    medications=(
        taken("lisinopril", "10.5", date(2024, 1, 5), None),
        taken("Aspirin", None, None, None),
        taken("bupropion", "150", date(2025, 2, 6), date(2026, 3, 7)),
    ),
)


def reported(name: str, status: str, dose: str | None, since: date | None, until: date | None) -> Medication:
    return Medication(
        fact_id=fact("listed"),
        medicine=Medicine(name=name, rxcui=f"rx-{name}"),
        source=f"source of {name}",
        status=status,
        daily_dose_mg=None if dose is None else Decimal(dose),
        since=since,
        until=until,
        sig="",
        status_reason="",
        dose_changes=(),
    )


PRESCRIBED = Medication(
    fact_id=fact("issued"),
    medicine=control.SERTRALINE,
    source="prescribed",
    status="active",
    daily_dose_mg=Decimal(50),
    since=date(2026, 9, 7),
    until=None,
    sig="one a day",
    status_reason="",
    dose_changes=(),
    overridden=(control.ALERT,),
    overrides=(control.OVERRIDE,),
    not_checked=control.CAPSULE.not_checked,
)


def test_medications_are_the_newest_list_and_every_prescription_active_ones_first_by_name() -> None:
    before = replace(control.LISTED, fact_id=fact("before"), occurred_at=week(-1))
    shown = view(assessment=(LISTED, before), prescribing=(control.ISSUED,)).medications
    assert (shown.asked, shown.fact_id) == (Asked.LISTED, fact("listed"))
    assert shown.medications == (
        reported("Aspirin", "active", None, None, None),
        reported("lisinopril", "active", "10.5", date(2024, 1, 5), None),
        PRESCRIBED,
        reported("bupropion", "stopped", "150", date(2025, 2, 6), date(2026, 3, 7)),
    )


def test_a_list_of_nothing_was_asked_and_a_prescription_is_no_answer_to_it() -> None:
    nothing = replace(control.LISTED, medications=(), none_taken=True)
    assert view(assessment=(nothing,)).medications == Medications(
        asked=Asked.NONE_KNOWN, fact_id=fact("listed"), medications=()
    )
    assert view(prescribing=(control.ISSUED,)).medications == Medications(
        asked=Asked.NOT_ASKED, fact_id=None, medications=(PRESCRIBED,)
    )


def changed(name: str, to: int, effective_on: date, at: Any) -> prescribing.DoseChanged:
    """A change in force from the day of its decision on."""
    return replace(
        control.CHANGED,
        fact_id=fact(name),
        from_daily_dose_mg=Decimal(to - 25),
        to_daily_dose_mg=Decimal(to),
        effective_on=effective_on,
        reason=f"reason of {name}",
        prescriber=f"prescriber of {name}",
        occurred_at=at,
    )


def dose_change(name: str, to: int, effective_on: date) -> DoseChange:
    return DoseChange(
        fact_id=fact(name),
        from_daily_dose_mg=Decimal(to - 25),
        to_daily_dose_mg=Decimal(to),
        effective_on=effective_on,
        reason=f"reason of {name}",
        prescriber=f"prescriber of {name}",
        in_force=True,
        cancelled=False,
    )


def decided_on(day: date, event: Any) -> Any:
    return replace(event, capsule=replace(event.capsule, as_of=day))


def took_effect(of: Any, dose: int) -> prescribing.DoseTookEffect:
    change = of.fact_id if isinstance(of, prescribing.DoseChanged) else None
    return prescribing.DoseTookEffect(
        fact_id=fact(f"took effect {of.fact_id}"),
        prescription=control.ISSUED.fact_id,
        change=change,
        daily_dose_mg=Decimal(dose),
        effective_on=date(2031, 3, 1),
        occurred_at=week(9),
    )


TODAY, FAR = date(2026, 10, 5), date(2031, 3, 1)


def test_a_dose_dated_ahead_is_the_dose_when_a_fact_says_so_and_not_before() -> None:
    ahead = decided_on(TODAY, changed("to 100", 100, FAR, week(5)))
    told: tuple[Any, ...] = (control.ISSUED, ahead)
    (shown,) = view(prescribing=told).medications.medications
    assert (shown.daily_dose_mg, shown.status) == (Decimal(50), "active")
    assert [(change.to_daily_dose_mg, change.in_force) for change in shown.dose_changes] == [(Decimal(100), False)]
    (then,) = view(prescribing=(*told, took_effect(ahead, 100))).medications.medications
    assert (then.daily_dose_mg, then.status) == (Decimal(100), "active")
    assert [change.in_force for change in then.dose_changes] == [True]
    taken_back = (*told, took_effect(ahead, 100), control.struck(ahead))
    assert view(prescribing=taken_back).medications.medications[0].daily_dose_mg == Decimal(50)


@pytest.mark.parametrize(("day", "in_force"), [(TODAY - timedelta(days=1), False), (TODAY, True), (FAR, True)])
def test_a_dose_is_in_force_at_once_where_it_was_decided_on_its_day_or_later(day: date, in_force: bool) -> None:
    told = (control.ISSUED, decided_on(day, changed("x", 100, TODAY, week(5))))
    (shown,) = view(prescribing=told).medications.medications
    assert [change.in_force for change in shown.dose_changes] == [in_force]


def test_what_an_earlier_build_decided_counts_from_the_day_on_which_it_was_recorded() -> None:
    recorded = recorded_at(2).date()
    for day, in_force in ((recorded, True), (recorded + timedelta(days=1), False)):
        (shown,) = view(prescribing=(control.ISSUED, changed("x", 100, day, week(5)))).medications.medications
        assert [change.in_force for change in shown.dose_changes] == [in_force]


def test_a_prescription_that_has_not_begun_is_planned() -> None:
    ahead = decided_on(TODAY, replace(control.ISSUED, order=replace(control.ISSUED.order, starts_on=FAR)))
    (shown,) = view(prescribing=(ahead,)).medications.medications
    assert (shown.status, shown.daily_dose_mg, shown.since) == ("planned", Decimal(50), FAR)
    (begun,) = view(prescribing=(ahead, took_effect(ahead, 50))).medications.medications
    assert (begun.status, begun.daily_dose_mg) == ("active", Decimal(50))
    ended = replace(control.DISCONTINUED, prescription=ahead.fact_id)
    assert view(prescribing=(ahead, ended)).medications.medications[0].status == "stopped"


def test_the_daily_dose_is_that_of_the_change_effective_last_whenever_it_was_recorded() -> None:
    first, second = date(2026, 10, 1), date(2026, 10, 20)
    told = (
        control.ISSUED,
        changed("to 100", 100, second, week(5)),
        changed("to 75", 75, first, week(6)),
        replace(changed("of another", 200, date(2026, 11, 1), week(7)), prescription=fact("another")),
    )
    (shown,) = view(prescribing=told).medications.medications
    changes = (dose_change("to 100", 100, second), dose_change("to 75", 75, first))
    assert shown == replace(PRESCRIBED, daily_dose_mg=Decimal(100), dose_changes=changes)


def test_of_two_changes_effective_on_one_day_the_later_recorded_counts() -> None:
    day = date(2026, 10, 20)
    told = (control.ISSUED, changed("later", 100, day, week(6)), changed("earlier", 75, day, week(5)))
    (shown,) = view(prescribing=told).medications.medications
    assert [change.fact_id for change in shown.dose_changes] == [fact("later"), fact("earlier")]
    assert shown.daily_dose_mg == Decimal(100)


def test_a_discontinued_prescription_says_when_and_why_as_it_was_said_last() -> None:
    of_another = replace(control.DISCONTINUED, fact_id=fact("of another"), prescription=fact("another"))
    before = replace(
        control.DISCONTINUED,
        fact_id=fact("before"),
        stopped_on=date(2026, 11, 1),
        status_reason=prescribing.StatusReason.ALLERGY,
        occurred_at=week(10),
    )
    (shown,) = view(prescribing=(control.ISSUED, control.DISCONTINUED, before)).medications.medications
    assert shown == replace(
        PRESCRIBED, status="stopped", until=date(2026, 11, 20), status_reason="sintol", fhir_status_reason="sintol"
    )
    (still,) = view(prescribing=(control.ISSUED, of_another)).medications.medications
    assert still == PRESCRIBED


def test_what_it_is_for_stands_beside_the_medicine() -> None:
    depression = Coding(system="icd-10-cm", code="F33.1", display="Recurrent depression")
    told = replace(control.ISSUED, order=replace(control.ISSUED.order, indication=depression))
    (shown,) = view(prescribing=(told,)).medications.medications
    assert shown == replace(PRESCRIBED, indication=depression)


def test_how_it_is_taken_stands_beside_the_medicine_with_the_dose_of_the_phase_that_began_last() -> None:
    taken = prescribing.ScheduledDose(at="morning", amount_mg=Decimal(50))
    regimen = prescribing.Regimen(phases=(prescribing.Phase(days=7, doses=(taken,)),))
    told = replace(control.ISSUED, order=replace(control.ISSUED.order, regimen=regimen))
    over = replace(
        control.TOOK_EFFECT, prescription=told.fact_id, change=None, daily_dose_mg=Decimal(0), fact_id=fact("over")
    )
    (shown,) = view(prescribing=(told,)).medications.medications
    assert shown == replace(PRESCRIBED, regimen=regimen)
    (ended,) = view(prescribing=(told, over)).medications.medications
    assert ended == replace(PRESCRIBED, regimen=regimen, daily_dose_mg=Decimal(0))
    changed = replace(control.CHANGED, prescription=told.fact_id)
    (other,) = view(prescribing=(told, changed)).medications.medications
    assert (other.regimen, other.daily_dose_mg) == (UNSET, control.CHANGED.to_daily_dose_mg)


def test_what_was_overridden_and_what_was_not_checked_stands_beside_the_medicine() -> None:
    """Of the order and of every change of its dose, each once; an alert that nobody answered is not among them."""
    unanswered = replace(control.ALERT, rule="dose.max-daily", involves=("sertraline",))
    other_gap = prescribing.NotChecked(check="lab", reason="labs-not-recorded", subject="")
    incomplete = replace(
        control.OVERRIDE, rule="assessment-incomplete", involves=(), reason=prescribing.OverrideReason.BRIDGE
    )
    of_order = replace(control.CAPSULE, alerts=(control.ALERT, unanswered), overrides=(incomplete, control.OVERRIDE))
    of_change = replace(control.CAPSULE, not_checked=(*control.CAPSULE.not_checked, other_gap))
    (shown,) = view(
        prescribing=(
            replace(control.ISSUED, capsule=of_order),
            replace(control.CHANGED, capsule=of_change),
            replace(control.CHANGED, fact_id=fact("of another"), prescription=fact("another"), capsule=of_order),
        )
    ).medications.medications
    assert shown.overridden == (control.ALERT,)
    assert shown.overrides == (incomplete, control.OVERRIDE)
    assert shown.not_checked == (*control.CAPSULE.not_checked, other_gap)


def test_an_answer_that_names_no_medicines_is_to_all_that_its_rule_found() -> None:
    other = replace(control.ALERT, involves=("sertraline", "naproxen"))
    answered = (replace(control.OVERRIDE, involves=()),)
    both = replace(control.CAPSULE, alerts=(control.ALERT, other), overrides=answered)
    one = replace(both, overrides=(replace(control.OVERRIDE, involves=("ibuprofen", "sertraline")),))
    for capsule, overridden in ((both, (control.ALERT, other)), (one, (control.ALERT,))):
        (shown,) = view(prescribing=(replace(control.ISSUED, capsule=capsule),)).medications.medications
        assert shown.overridden == overridden


def test_a_pregnancy_is_as_it_was_last_said_and_nothing_while_nobody_asked() -> None:
    assert view().pregnancy is None
    later = replace(
        control.NOT_PREGNANT, fact_id=fact("later"), status=assessment.PregnancyStatus.POSSIBLE, occurred_at=week(3)
    )
    assert view(assessment=(later, control.NOT_PREGNANT)).pregnancy == Pregnancy(
        fact_id=fact("later"), status="possible", source="client", occurred_at=week(3)
    )
    assert view(assessment=(later, control.NOT_PREGNANT, control.struck(later))).pregnancy == Pregnancy(
        fact_id=fact("not-pregnant"), status="not-pregnant", source="client", occurred_at=week(0)
    )


def measured(name: str, *results: assessment.Result, at: Any) -> assessment.ResultsRecorded:
    return replace(control.RESULTS, fact_id=fact(name), results=results, source=f"source of {name}", occurred_at=at)


def measure(loinc: str, value: str, on: date, unit: str = "") -> assessment.Result:
    return assessment.Result(loinc=loinc, value=Decimal(value), unit=unit, on=on, display=f"measure {loinc}")


def test_of_each_measure_the_result_of_the_latest_day_is_shown_whenever_it_was_recorded() -> None:
    late = measured("late", measure("14334-7", "0.9", date(2026, 10, 1), "mmol/L"), at=week(6))
    early = measured(
        "early",
        measure("14334-7", "1.6", date(2026, 10, 20), "mmol/L"),
        measure("751-8", "1400", date(2026, 10, 20), "/uL"),
        at=week(5),
    )
    assert view().results == Results(asked=Asked.NOT_ASKED, latest=())
    assert view(assessment=(late, early)).results == Results(
        asked=Asked.LISTED,
        latest=(
            LatestResult(
                fact_id=fact("early"),
                loinc="14334-7",
                value=Decimal("1.6"),
                unit="mmol/L",
                on=date(2026, 10, 20),
                display="measure 14334-7",
                source="source of early",
            ),
            LatestResult(
                fact_id=fact("early"),
                loinc="751-8",
                value=Decimal(1400),
                unit="/uL",
                on=date(2026, 10, 20),
                display="measure 751-8",
                source="source of early",
            ),
        ),
    )
    nothing = replace(control.RESULTS, results=(), none_known=True)
    assert view(assessment=(nothing,)).results == Results(asked=Asked.NONE_KNOWN, latest=())


def test_of_one_day_the_result_that_was_recorded_as_true_last_is_shown() -> None:
    day = date(2026, 10, 20)
    later = measured("later", measure("751-8", "900", day), at=week(6))
    earlier = measured("earlier", measure("751-8", "1400", day), at=week(5))
    (shown,) = view(assessment=(later, earlier)).results.latest
    assert (shown.value, shown.fact_id) == (Decimal(900), fact("later"))


def test_a_prescription_without_a_dose_has_none() -> None:
    unstated = replace(control.ISSUED, order=replace(control.ORDER, daily_dose_mg=None))
    (shown,) = view(prescribing=(unstated,)).medications.medications
    assert shown.daily_dose_mg is None


HYPERTENSION = assessment.Condition(
    coding=Coding(system="icd-10-cm", code="I10", display="Hypertension"), clinical_status="inactive", onset=None
)


def test_the_history_adds_up_each_part_with_its_source() -> None:
    more = assessment.HistoryRecorded(
        fact_id=fact("more history"),
        conditions=(HYPERTENSION,),
        earlier_treatments=(),
        source="referral letter",
        occurred_at=week(2),
    )
    assert view(assessment=(more, control.HISTORY)).history == History(
        asked=Asked.LISTED,
        conditions=(
            HistoryCondition(
                coding=Coding(system="snomed", code="370143000", display="Major depressive disorder"),
                clinical_status="active",
                onset=date(2021, 3, 1),
                source="client",
            ),
            HistoryCondition(
                coding=HYPERTENSION.coding, clinical_status="inactive", onset=None, source="referral letter"
            ),
        ),
        earlier_treatments=control.HISTORY.earlier_treatments,
    )


def test_a_history_of_nothing_was_asked_and_either_part_alone_is_something() -> None:
    empty = replace(control.HISTORY, conditions=(), earlier_treatments=(), nothing_known=True)
    assert view().history == History(asked=Asked.NOT_ASKED, conditions=(), earlier_treatments=())
    assert view(assessment=(empty,)).history.asked is Asked.NONE_KNOWN
    for either in (replace(control.HISTORY, conditions=()), replace(control.HISTORY, earlier_treatments=())):
        assert view(assessment=(either,)).history.asked is Asked.LISTED


def plan(name: str) -> assessment.Plan:
    return assessment.Plan(
        medications=(assessment.ProposedMedication(medicine=Medicine(name=name, rxcui="1"), daily_dose_mg=Decimal(5)),),
        therapies=(f"therapy {name}",),
        goals=(f"goal {name}",),
    )


PROPOSED = replace(control.PROPOSED, plan=plan("proposed"), occurred_at=week(1))
COMPLETED = replace(
    control.COMPLETED, plan=plan("completed"), diagnoses=("F33.1",), suicide_risk=RiskLevel.LOW, occurred_at=week(2)
)
AMENDED = assessment.AssessmentAmended(
    fact_id=fact("amended"),
    amends=COMPLETED.fact_id,
    amended_by="dr-lind",
    credential=Role.PSYCHIATRIC_NURSE_PRACTITIONER,
    reason="a diagnosis was missing",
    diagnoses=("F33.1", "F41.0"),
    suicide_risk=RiskLevel.MODERATE,
    plan=plan("amended"),
    rests_on=(),
    occurred_at=week(3),
)


@pytest.mark.parametrize("told", [PROPOSED, COMPLETED, AMENDED], ids=lambda one: type(one).__name__)
def test_the_plan_is_that_of_whatever_stated_it_last(told: Any) -> None:
    newest = replace(told, occurred_at=week(4))
    others = [one for one in (PROPOSED, COMPLETED, AMENDED) if one is not told]
    expected = StatedPlan(
        fact_id=told.fact_id,
        medications=told.plan.medications,
        therapies=told.plan.therapies,
        goals=told.plan.goals,
        occurred_at=week(4),
    )
    assert unsaid(expected) == []
    assert view(assessment=(newest, *others)).plan == view(assessment=(*others, newest)).plan == expected


def test_nothing_stated_is_no_plan_and_no_completion() -> None:
    assert (view().plan, view().completion) == (None, None)
    assert view(assessment=(PROPOSED, AMENDED)).completion is None


COMPLETION = Completion(
    fact_id=fact("completed"),
    completed_by=PRESCRIBER,
    credential="psychiatrist",
    occurred_at=week(2),
    diagnoses=("F33.1",),
    suicide_risk="low",
    amended_by="",
    amendment_reason="",
)


def test_a_completion_says_who_completed_it_and_what_it_says_after_the_last_amendment() -> None:
    assert view(assessment=(COMPLETED,)).completion == COMPLETION
    before = replace(AMENDED, fact_id=fact("amended before"), reason="typo", amended_by="x", occurred_at=week(2))
    amended = replace(
        COMPLETION,
        diagnoses=("F33.1", "F41.0"),
        suicide_risk="moderate",
        amended_by="dr-lind",
        amendment_reason="a diagnosis was missing",
    )
    assert unsaid(amended) == []
    assert view(assessment=(COMPLETED, AMENDED, before)).completion == amended


def test_a_scale_trend_says_where_it_began_and_where_it_stands() -> None:
    first = replace(control.BASELINE, flags=("item-9",), band="moderately severe", total=18)
    last = replace(control.LATEST, flags=("first",), band="minimal", total=4)
    unscored = control.phq_9("unscored", None, week(-1))
    (trend,) = view(assessment=(first, unscored), monitoring=(last, control.MIDWAY)).scale_trends
    baseline = ScalePoint(
        fact_id=first.fact_id,
        occurred_at=week(0),
        total=18,
        band="moderately severe",
        flags=("item-9",),
        source="assessment",
    )
    assert trend == ScaleTrend(
        instrument="phq-9",
        baseline=baseline,
        last=ScalePoint(
            fact_id=last.fact_id, occurred_at=week(12), total=4, band="minimal", flags=("first",), source="monitoring"
        ),
        change=-14,
        response=True,
        remission=True,
        course="remission",
        count=4,
    )


def test_trends_stand_by_instrument_and_an_unscored_last_result_is_shown_as_such() -> None:
    told = (
        control.phq_9("phq", 9, week(1)),
        control.phq_9("gad", 7, week(2), "gad-7"),
        control.phq_9("phq unscored", None, week(3)),
    )
    gad, phq = view(monitoring=told).scale_trends
    assert (gad.instrument, phq.instrument) == ("gad-7", "phq-9")
    assert phq.baseline is not None
    assert (phq.baseline.total, phq.last.total, phq.change, phq.count) == (9, None, None, 2)
    (only,) = view(monitoring=(control.phq_9("unscored", None, week(1)),)).scale_trends
    assert (only.baseline, only.count) == (None, 1)


REPORTED = replace(
    control.RASH,
    symptom="rash on both arms",
    own_words="red spots",
    ctcae_grade=3,
    suspected_medicine=control.LAMOTRIGINE,
    reporter=monitoring.ReporterKind.CLINICIAN,
    triage=monitoring.Triage(
        level=monitoring.TriageLevel.SAME_DAY,
        rule="triage.ctcae-3",
        rule_version=1,
        red_flags=("rash", "fever"),
        due_at=week(8) + timedelta(hours=12),
    ),
)
SIDE_EFFECT = SideEffect(
    fact_id=fact("rash"),
    symptom="rash on both arms",
    own_words="red spots",
    ctcae_grade=3,
    suspected_medicine=control.LAMOTRIGINE,
    reporter="clinician",
    triage="same-day",
    triage_rule="triage.ctcae-3",
    red_flags=("rash", "fever"),
    due_at=week(8) + timedelta(hours=12),
    occurred_at=week(8),
    recorded_at=recorded_at(1),
    outcome="",
    action_taken="",
    resolved_by="",
    resolved_at=None,
)
RESOLVED = monitoring.SideEffectResolved(
    fact_id=fact("rash resolved"),
    side_effect=fact("rash"),
    outcome=monitoring.SideEffectOutcome.RESOLVED_WITH_SEQUELAE,
    action_taken="lamotrigine stopped",
    resolved_by=PRESCRIBER,
    occurred_at=week(9),
)


def test_a_side_effect_says_all_that_was_reported_and_how_it_ended() -> None:
    shown = view(monitoring=(REPORTED,))
    assert (shown.open_side_effects, shown.closed_side_effects) == ((SIDE_EFFECT,), ())
    closed = replace(
        SIDE_EFFECT,
        outcome="resolvedWithSequelae",
        action_taken="lamotrigine stopped",
        resolved_by=PRESCRIBER,
        resolved_at=week(9),
    )
    assert unsaid(closed) == []
    shown = view(monitoring=(REPORTED, RESOLVED))
    assert (shown.open_side_effects, shown.closed_side_effects) == ((), (closed,))


def test_what_a_report_does_not_say_stays_unknown() -> None:
    little = replace(
        REPORTED,
        own_words="",
        ctcae_grade=None,
        suspected_medicine=None,
        triage=replace(REPORTED.triage, red_flags=(), due_at=None),
    )
    (shown,) = view(monitoring=(little,)).open_side_effects
    assert shown == replace(
        SIDE_EFFECT, own_words="", ctcae_grade=None, suspected_medicine=None, red_flags=(), due_at=None
    )


def test_a_side_effect_is_closed_as_it_was_closed_last() -> None:
    before = replace(
        RESOLVED, fact_id=fact("before"), outcome=monitoring.SideEffectOutcome.ONGOING, occurred_at=week(8)
    )
    (shown,) = view(monitoring=(REPORTED, RESOLVED, before)).closed_side_effects
    assert (shown.outcome, shown.resolved_at) == ("resolvedWithSequelae", week(9))


def test_open_side_effects_stand_by_level_then_by_when_somebody_must_have_looked() -> None:
    levels = monitoring.TriageLevel

    def told(name: str, level: monitoring.TriageLevel, due: Any) -> monitoring.SideEffectReported:
        return replace(
            REPORTED, fact_id=fact(name), symptom=name, triage=replace(REPORTED.triage, level=level, due_at=due)
        )

    facts = (
        told("6 visit", levels.NEXT_VISIT, None),
        told("4 undue", levels.SAME_DAY, None),
        told("3 later", levels.SAME_DAY, week(10)),
        told("2 soon", levels.SAME_DAY, week(9)),
        told("5 days", levels.WITHIN_72_HOURS, week(8)),
        told("1 emergency", levels.EMERGENCY_NOW, week(11)),
    )
    shown = [one.symptom for one in view(monitoring=facts).open_side_effects]
    assert shown == ["1 emergency", "2 soon", "3 later", "4 undue", "5 days", "6 visit"]


def test_closed_side_effects_stand_by_when_they_were_closed_the_latest_first_and_no_more_than_100() -> None:
    reports = [replace(REPORTED, fact_id=fact(f"s{n}"), symptom=str(n)) for n in range(101)]
    ends = [
        replace(RESOLVED, fact_id=fact(f"e{n}"), side_effect=fact(f"s{n}"), occurred_at=week(9) + timedelta(hours=n))
        for n in range(101)
    ]
    shown = [one.symptom for one in view(monitoring=(*reports, *reversed(ends))).closed_side_effects]
    assert shown == [str(n) for n in range(100, 0, -1)]


def risk(name: str, at: Any, level: RiskLevel = RiskLevel.MODERATE) -> RiskRaised:
    return replace(
        control.RISK,
        fact_id=fact(name),
        level=level,
        reason=f"reason of {name}",
        due_at=at + timedelta(hours=1),
        occurred_at=at,
    )


@pytest.mark.parametrize("level", RiskLevel)
def test_a_risk_says_all_that_was_raised_and_by_whom(level: RiskLevel) -> None:
    raised = risk("risk", week(6), level)
    expected = Risk(
        fact_id=fact("risk"),
        scale_fact_id=control.MIDWAY.fact_id,
        level=level,
        reason="reason of risk",
        due_at=week(6) + timedelta(hours=1),
        occurred_at=week(6),
        source="assessment",
        status="open",
    )
    assert unsaid(expected) == []
    assert view(assessment=(raised,)).risks == (expected,)
    assert view(monitoring=(raised,)).risks == (replace(expected, source="monitoring"),)


def test_risks_of_both_sources_stand_the_latest_first() -> None:
    shown = view(
        assessment=(risk("1", week(1)), risk("3", week(3))), monitoring=(risk("2", week(2)), risk("4", week(4)))
    ).risks
    assert [one.reason for one in shown] == [f"reason of {n}" for n in (4, 3, 2, 1)]


def test_a_declined_order_says_all_of_it() -> None:
    unassessed = replace(control.DECLINED.capsule, missing=("plan", "completion"))
    declined = replace(control.DECLINED, reasons=("contraindicated", "washout"), capsule=unassessed)
    earlier = replace(declined, fact_id=fact("declined before"), occurred_at=week(2))
    expected = DeclinedOrder(
        fact_id=fact("declined"),
        medicine=Medicine(name="phenelzine"),
        daily_dose_mg=Decimal(50),
        prescriber=PRESCRIBER,
        reasons=("contraindicated", "washout"),
        alerts=(control.ALERT,),
        not_checked=control.CAPSULE.not_checked,
        missing=("plan", "completion"),
        occurred_at=week(3),
    )
    shown = view(prescribing=(declined, earlier)).declined_orders
    assert shown == (expected, replace(expected, fact_id=fact("declined before"), occurred_at=week(2)))


OVERRIDDEN = OverriddenOrder(
    fact_id=fact("issued"),
    medicine=control.SERTRALINE,
    daily_dose_mg=Decimal(50),
    prescriber=PRESCRIBER,
    overrides=(control.OVERRIDE,),
    alerts=(control.ALERT,),
    not_checked=control.CAPSULE.not_checked,
    occurred_at=week(1),
)


def test_overridden_orders_and_dose_changes_say_all_of_it_the_latest_first() -> None:
    by_another = replace(control.CHANGED, capsule=control.CAPSULE, prescriber="dr-lind")
    without = replace(control.CHANGED, fact_id=fact("unalerted"), occurred_at=week(6))
    of_another = replace(by_another, fact_id=fact("of another"), prescription=fact("another"))
    told = (
        control.ISSUED,
        by_another,
        without,
        of_another,
        replace(control.ISSUED, fact_id=fact("other issued"), capsule=replace(control.CAPSULE, overrides=())),
    )
    assert view(prescribing=told).overrides == (
        replace(
            OVERRIDDEN,
            fact_id=fact("changed"),
            daily_dose_mg=Decimal(100),
            prescriber="dr-lind",
            occurred_at=week(5),
        ),
        OVERRIDDEN,
    )


def test_a_notice_that_waits_says_all_of_it() -> None:
    failed_for_the_manager = replace(control.FAILED, person=control.MANAGER)
    tried_again = replace(control.FAILED, person="zoe", final=False)
    of_another = replace(control.FAILED, person="other", notice=fact("another"))
    told = (control.NOTICE, control.FAILED, failed_for_the_manager, tried_again, of_another, control.ESCALATED)
    (shown,) = view(notifications=told).unacknowledged_notices
    assert unsaid(shown) == []
    assert shown == OpenNotice(
        fact_id=fact("notice"),
        cause_fact=fact("rash"),
        cause_type="care.monitoring.SideEffectReported.v1",
        subject="side effect reported",
        priority="urgent",
        addressees=(PRESCRIBER, control.MANAGER),
        acknowledge_by=week(8) + timedelta(hours=3),
        escalations=1,
        failed=tuple(sorted((PRESCRIBER, control.MANAGER))),
        occurred_at=week(8),
    )


def test_a_notice_that_was_handed_over_names_who_has_it_now() -> None:
    of_another = replace(control.HANDED_OVER, notice=fact("another"))
    (shown,) = view(notifications=(control.NOTICE, control.ESCALATED, control.HANDED_OVER)).unacknowledged_notices
    assert shown.addressees == (control.MANAGER, "dr-new")
    (other,) = view(notifications=(control.NOTICE, of_another)).unacknowledged_notices
    assert other.addressees == (PRESCRIBER,)


def test_the_clock_of_a_notice_is_that_of_its_latest_escalation_that_has_one() -> None:
    second = replace(
        control.ESCALATED,
        step=2,
        persons=("on-call", control.MANAGER),
        acknowledge_by=week(8) + timedelta(hours=5),
        occurred_at=week(8) + timedelta(hours=3),
    )
    last = replace(
        control.ESCALATED, step=3, persons=("on-call",), acknowledge_by=None, occurred_at=week(8) + timedelta(hours=5)
    )
    of_another = replace(second, notice=fact("another"), acknowledge_by=week(9))
    for told, hours, escalations in (
        ((), 1, 0),
        ((control.ESCALATED, of_another), 3, 1),
        ((second, control.ESCALATED), 5, 2),
        ((last, second, control.ESCALATED), 5, 3),
    ):
        (shown,) = view(notifications=(control.NOTICE, *told)).unacknowledged_notices
        assert (shown.acknowledge_by, shown.escalations) == (week(8) + timedelta(hours=hours), escalations)
    told_to = view(notifications=(control.NOTICE, control.ESCALATED, second, last)).unacknowledged_notices[0].addressees
    assert told_to == (PRESCRIBER, control.MANAGER, "on-call")


def test_notices_that_wait_stand_by_their_running_clock() -> None:
    def notice(name: str, at: Any) -> notifications.NoticeDecided:
        return replace(control.NOTICE, fact_id=fact(name), subject=name, acknowledge_by=at)

    told = (notice("third", week(3)), notice("first", week(1)), notice("second", week(2)))
    moved = replace(control.ESCALATED, notice=fact("first"), acknowledge_by=week(5))
    shown = [one.subject for one in view(notifications=told).unacknowledged_notices]
    assert shown == ["first", "second", "third"]
    shown = [one.subject for one in view(notifications=(*told, moved)).unacknowledged_notices]
    assert shown == ["second", "third", "first"]


NEEDS_NOBODY: list[tuple[Any, ...]] = [
    (replace(control.NOTICE, acknowledge_by=None),),
    (replace(control.NOTICE, suppressed="old-news"),),
    (control.NOTICE, control.ACKNOWLEDGED),
    (
        control.NOTICE,
        notifications.NoticeWithdrawn(notice=control.NOTICE.fact_id, reason="x", occurred_at=week(9)),
    ),
    (control.NOTICE, control.struck(control.NOTICE)),
]


@pytest.mark.parametrize("told", NEEDS_NOBODY)
def test_a_notice_that_needs_nobody_does_not_wait(told: tuple[Any, ...]) -> None:
    shown = view(notifications=told)
    assert (shown.unacknowledged_notices, shown.urgency.level) == ((), "none")


@pytest.mark.parametrize("ended", [control.ACKNOWLEDGED, NEEDS_NOBODY[3][1]])
def test_what_ended_another_notice_leaves_this_one_waiting(ended: Any) -> None:
    of_another = replace(ended, notice=fact("another"))
    assert len(view(notifications=(control.NOTICE, of_another)).unacknowledged_notices) == 1


def test_a_message_says_all_of_it_and_the_latest_100_are_shown() -> None:
    told = [
        coordination.MessagePosted(
            fact_id=fact(f"m{n}"),
            sender=control.THERAPIST,
            recipient=control.MANAGER,
            about=fact("rash") if n else None,
            text=f"message {n}",
            occurred_at=week(0) + timedelta(hours=n),
        )
        for n in range(101)
    ]
    shown = view(coordination=tuple(told)).messages
    assert [one.text for one in shown] == [f"message {n}" for n in range(100, 0, -1)]
    assert shown[0] == Message(
        fact_id=fact("m100"),
        sender=control.THERAPIST,
        recipient=control.MANAGER,
        about=fact("rash"),
        text="message 100",
        occurred_at=week(0) + timedelta(hours=100),
        flags=(),
    )
    flagged = replace(told[100], flags=("not-known-yet",))
    assert view(coordination=(flagged,)).messages[0].flags == ("not-known-yet",)
    assert view(coordination=(told[0],)).messages[0].about is None


def test_a_dose_says_all_of_it_the_latest_first() -> None:
    skipped = replace(
        control.DOSE,
        fact_id=fact("skipped"),
        status=monitoring.DoseStatus.SKIPPED,
        reason="felt sick",
        occurred_at=week(3),
    )
    taken_dose = Dose(
        fact_id=fact("dose"), medicine=control.SERTRALINE, status="taken", reason="", occurred_at=week(2), flags=()
    )
    later = replace(taken_dose, fact_id=fact("skipped"), status="skipped", reason="felt sick", occurred_at=week(3))
    unknown = replace(skipped, flags=("not-known-yet",))
    assert view(monitoring=(unknown, control.DOSE)).doses == (
        replace(later, flags=("not-known-yet",)),
        taken_dose,
    )


def test_the_latest_100_doses_are_shown_in_whatever_order_they_came() -> None:
    doses = [replace(control.DOSE, fact_id=fact(f"d{n}"), occurred_at=week(1) + timedelta(hours=n)) for n in range(101)]
    latest = [one.fact_id for one in reversed(doses[1:])]
    assert [one.fact_id for one in view(monitoring=tuple(doses)).doses] == latest
    assert [one.fact_id for one in view(monitoring=tuple(reversed(doses))).doses] == latest


def test_a_list_with_missing_entries_is_shown_until_its_source_says_it_is_whole() -> None:
    of_another = replace(control.LIST_GAPS, fact_id=fact("of another"), source="another clinic", left_out=1)
    whole = replace(control.LIST_GAPS, fact_id=fact("whole"), left_out=0, occurred_at=week(2))
    assert view(assessment=(control.LIST_GAPS,)).list_gaps == (control.LIST_GAPS,)
    assert view(assessment=(whole, of_another, control.LIST_GAPS)).list_gaps == (of_another,)
