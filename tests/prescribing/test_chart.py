"""What the safety check is asked about: every noted fact and own prescription, what was struck, and what came later."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from careloop.contracts.prescribing import StatusReason
from careloop.contracts.terms import EnteredInError, Medicine
from careloop.knowledge import chart as known
from services.prescribing.domain.events import Event
from services.prescribing.domain.noted import MedicationsNoted, Noted
from services.prescribing.domain.state import DECIDER
from tests.support.charts import read
from tests.support.controls import prescribing as p
from tests.support.controls.moments import LAST_WEEK, NOON, TODAY, YESTERDAY, event, fact

NOTHING_KNOWN = known.Chart(
    patient=known.Patient(
        birth_date=None,
        sex=None,
        pregnancy=None,
        conditions=None,
        allergies=None,
        no_known_allergies=None,
        labs=None,
        suicide_risk=None,
    ),
    medications=None,
    trials=None,
)
SERTRALINE = known.Medication(
    name="sertraline 50 MG Oral Tablet",
    rxcui="36437",
    daily_dose_mg=Decimal(50),
    started_on=TODAY,
    stopped_on=None,
)
REACTION = known.Allergy(substance="sertraline", type=known.AllergyType.INTOLERANCE, criticality=known.Criticality.HIGH)
NOT_TOLERATED = known.Trial(name="sertraline", stopped_for=known.StoppedFor.INTOLERANCE)


def made_likely(text: str) -> known.Condition:
    return known.Condition(text=text, verification_status="unconfirmed")


def knows(**patient: Any) -> known.Chart:
    return replace(NOTHING_KNOWN, patient=replace(NOTHING_KNOWN.patient, **patient))


def chart(*facts: Event) -> known.Chart:
    return read(facts)


def patient(*facts: Event) -> known.Patient:
    return chart(*facts).patient


def noted_strike(of: Any) -> Event:
    return replace(p.PHENELZINE_STRUCK, fact_id=of.fact_id)


def own_strike(of: Any) -> EnteredInError:
    return replace(p.STRUCK, fact_id=of.fact_id)


def later(note: Any, **changes: Any) -> Any:
    """Another note of its kind, true a day after LAST_WEEK."""
    return replace(note, fact_id=fact("later"), occurred_at=LAST_WEEK + timedelta(days=1), **changes)


ALONE: list[tuple[Noted, known.Chart]] = [
    (p.PROFILE, knows(birth_date=date(1990, 1, 1), sex=known.Sex.MALE)),
    (p.HISTORY, replace(knows(conditions=()), trials=())),
    (
        p.HISTORY_TOLD,
        replace(knows(conditions=p.HISTORY_TOLD.conditions), trials=p.HISTORY_TOLD.trials),
    ),
    (p.NOTHING_TAKEN, replace(NOTHING_KNOWN, medications=())),
    (p.PHENELZINE_TAKEN, replace(NOTHING_KNOWN, medications=p.PHENELZINE_TAKEN.medications)),
    (p.NO_ALLERGIES, knows(allergies=(), no_known_allergies=True)),
    (p.PENICILLIN_ALLERGY, knows(allergies=p.PENICILLIN_ALLERGY.allergies, no_known_allergies=False)),
    (p.NOT_PREGNANT, knows(pregnancy=known.Pregnancy.NOT_PREGNANT)),
    (p.NEUTROPHILS, knows(labs=p.NEUTROPHILS.results)),
    (replace(p.NEUTROPHILS, results=()), knows(labs=())),
    (p.DIAGNOSIS, knows(conditions=(known.Condition(icd10="F33.1"),))),
    (p.POSITIVE_MDQ, knows(conditions=(made_likely("mdq positive"),))),
    (replace(p.POSITIVE_MDQ, band=""), NOTHING_KNOWN),
    (p.NO_RISK, knows(suicide_risk=known.SuicideRisk.NONE)),
    (p.SEVERE_NAUSEA, replace(knows(allergies=(REACTION,)), trials=(NOT_TOLERATED,))),
    (p.UNGRADED_RASH, NOTHING_KNOWN),
]
"""Every kind of note by itself: what it says is known, and everything else stays unknown."""


def test_of_a_patient_of_whom_nothing_was_noted_everything_is_unknown() -> None:
    assert chart() == NOTHING_KNOWN


@pytest.mark.parametrize(("note", "expected"), ALONE)
def test_a_note_makes_known_what_it_says_and_nothing_else(note: Noted, expected: known.Chart) -> None:
    assert chart(note) == expected


@pytest.mark.parametrize("note", [note for note, _chart in ALONE])
@pytest.mark.parametrize("strike", [noted_strike, own_strike])
def test_a_note_that_was_struck_no_longer_counts(note: Noted, strike: Any) -> None:
    assert chart(note, strike(note)) == NOTHING_KNOWN
    assert chart(strike(note), note) == NOTHING_KNOWN, "in any order"
    state = DECIDER.fold((note, p.DIAGNOSIS, strike(note)))
    assert state.evidence() == (p.DIAGNOSIS.evidence,) * (note is not p.DIAGNOSIS)


LATEST = [
    (p.PROFILE, later(p.PROFILE, sex=known.Sex.FEMALE), {"birth_date": date(1990, 1, 1), "sex": known.Sex.FEMALE}),
    (
        p.PROFILE,
        later(p.PROFILE, birth_date=date(1991, 2, 3)),
        {"birth_date": date(1991, 2, 3), "sex": known.Sex.MALE},
    ),
    (
        p.NO_ALLERGIES,
        later(p.PENICILLIN_ALLERGY),
        {"allergies": p.PENICILLIN_ALLERGY.allergies, "no_known_allergies": False},
    ),
    (p.PENICILLIN_ALLERGY, later(p.NO_ALLERGIES), {"allergies": (), "no_known_allergies": True}),
    (p.NOT_PREGNANT, later(p.NOT_PREGNANT, status=known.Pregnancy.PREGNANT), {"pregnancy": known.Pregnancy.PREGNANT}),
    (p.NO_RISK, later(p.NO_RISK, level=known.SuicideRisk.HIGH), {"suicide_risk": known.SuicideRisk.HIGH}),
    (
        p.POSITIVE_MDQ,
        later(p.POSITIVE_MDQ, band="negative"),
        {"conditions": (made_likely("mdq negative"),)},
    ),
    (p.POSITIVE_MDQ, later(p.POSITIVE_MDQ, band=""), {"conditions": None}),
]


@pytest.mark.parametrize(("early", "late", "said"), LATEST)
def test_the_note_that_was_true_last_counts_in_whatever_order_they_came(early: Any, late: Any, said: Any) -> None:
    assert chart(early, late) == chart(late, early) == knows(**said)
    assert chart(early, late, noted_strike(late)) == chart(early), "the one before, once the later was struck"
    same_moment = replace(late, occurred_at=early.occurred_at)
    assert chart(early, same_moment) == knows(**said), "of two at the same moment the one noted later"


def test_what_adds_up_is_read_from_all_notes_in_the_order_it_was_true() -> None:
    told = replace(p.HISTORY_TOLD, occurred_at=YESTERDAY)
    first = replace(
        p.HISTORY,
        conditions=(known.Condition(icd10="E11.9"),),
        trials=(known.Trial(name="citalopram"),),
    )
    creatinine = known.Lab(loinc="2160-0", value=Decimal(1), at=TODAY, unit="mg/dL")
    more = replace(p.NEUTROPHILS, fact_id=fact("more"), results=(creatinine,), occurred_at=YESTERDAY)
    found = chart(told, more, first, p.NEUTROPHILS, p.POSITIVE_MDQ, p.DIAGNOSIS, p.SEVERE_NAUSEA)
    assert found.patient.labs == (*p.NEUTROPHILS.results, creatinine)
    assert found.patient.conditions == (
        known.Condition(icd10="F33.1"),
        known.Condition(icd10="E11.9"),
        *told.conditions,
        made_likely("mdq positive"),
    )
    assert found.trials == (NOT_TOLERATED, known.Trial(name="citalopram"), *told.trials)


def test_each_scale_counts_by_its_own_last_answers() -> None:
    mania = replace(p.POSITIVE_MDQ, fact_id=fact("asrm"), instrument="asrm", band="probable-mania")
    calm = later(p.POSITIVE_MDQ, band="negative")
    assert patient(mania, p.POSITIVE_MDQ, calm).conditions == (
        made_likely("asrm probable-mania"),
        made_likely("mdq negative"),
    )


TEN, TWENTY, FORTY = (NOON - timedelta(days=days) for days in (10, 20, 40))
PHENELZINE = known.Medication(name="phenelzine", rxcui="8123", daily_dose_mg=Decimal(45))
LISINOPRIL = known.Medication(name="Lisinopril", daily_dose_mg=Decimal(10))


def listed(at: datetime, *medications: known.Medication) -> MedicationsNoted:
    return replace(p.NOTHING_TAKEN, fact_id=fact(f"list {at}"), medications=medications, occurred_at=at)


@pytest.mark.parametrize(
    ("lists", "taken"),
    [
        ([listed(FORTY, PHENELZINE, LISINOPRIL)], [PHENELZINE, LISINOPRIL]),
        (
            [listed(FORTY, PHENELZINE), listed(TEN, LISINOPRIL)],
            [replace(PHENELZINE, stopped_on=TEN.date()), LISINOPRIL],
        ),
        ([listed(FORTY, PHENELZINE), listed(TWENTY), listed(TEN)], [replace(PHENELZINE, stopped_on=TWENTY.date())]),
        (
            [listed(FORTY, replace(PHENELZINE, stopped_on=TWENTY.date())), listed(TEN)],
            [replace(PHENELZINE, stopped_on=TWENTY.date())],
        ),
        ([listed(FORTY, PHENELZINE), listed(TWENTY), listed(TEN, PHENELZINE)], [PHENELZINE]),
        (
            [listed(FORTY, PHENELZINE), listed(TEN, replace(PHENELZINE, daily_dose_mg=Decimal(60)))],
            [replace(PHENELZINE, daily_dose_mg=Decimal(60))],
        ),
        (
            [listed(FORTY, PHENELZINE), listed(TEN, replace(PHENELZINE, name="Nardil"))],
            [replace(PHENELZINE, name="Nardil")],
        ),
        (
            [listed(FORTY, PHENELZINE), listed(TEN, replace(PHENELZINE, rxcui="999"))],
            [replace(PHENELZINE, stopped_on=TEN.date()), replace(PHENELZINE, rxcui="999")],
        ),
        (
            [listed(FORTY, LISINOPRIL), listed(TEN, replace(LISINOPRIL, name="lisinopril"))],
            [replace(LISINOPRIL, name="lisinopril")],
        ),
    ],
    ids=[
        "one list",
        "left out counts as stopped on the day of the later list",
        "stopped on the day of the first list without it",
        "a stop that was recorded is left as it is",
        "named again is taken again",
        "the later dose counts",
        "the same code is the same medicine",
        "another code is another medicine",
        "by name whatever its case",
    ],
)
def test_what_a_later_list_says_of_a_medicine(
    lists: Sequence[MedicationsNoted], taken: Sequence[known.Medication]
) -> None:
    for order in permutations(lists):
        assert chart(*order).medications == tuple(taken)


def test_a_list_that_was_struck_stops_nothing() -> None:
    without = listed(TEN)
    assert chart(listed(FORTY, PHENELZINE), without, noted_strike(without)).medications == (PHENELZINE,)


def test_a_prescription_of_ours_is_taken_from_its_start_in_the_dose_now_in_force() -> None:
    assert chart(p.ISSUED) == replace(NOTHING_KNOWN, medications=(SERTRALINE,))
    unknown = replace(SERTRALINE, daily_dose_mg=None)
    assert chart(p.ISSUED_WITH_LITTLE).medications == (unknown,)
    nameless = replace(p.ISSUED, order=replace(p.ISSUED.order, medicine=Medicine(name="Zoloft")))
    assert chart(nameless).medications == (replace(SERTRALINE, name="Zoloft", rxcui=None),)
    assert chart(p.ISSUED, p.PHENELZINE_TAKEN).medications == (SERTRALINE, PHENELZINE)


def test_a_prescription_that_was_struck_or_declined_is_not_taken() -> None:
    assert chart(p.ISSUED, own_strike(p.ISSUED)) == NOTHING_KNOWN
    assert chart(p.DECLINED) == NOTHING_KNOWN


def test_a_prescription_that_ended_is_taken_until_its_last_dose() -> None:
    ended = replace(p.DISCONTINUED, stopped_on=YESTERDAY.date(), status_reason=StatusReason.WASHOUT)
    stopped = replace(SERTRALINE, started_on=LAST_WEEK.date(), stopped_on=YESTERDAY.date())
    assert chart(p.BEGUN, ended) == replace(NOTHING_KNOWN, medications=(stopped,))
    assert chart(p.BEGUN, ended, own_strike(ended)) == chart(p.BEGUN)
    assert chart(p.BEGUN, replace(ended, prescription=fact("other"))) == chart(p.BEGUN)


def dose_after(*changes: Event) -> Decimal | None:
    (taken,) = chart(p.ISSUED, *changes).medications or ()
    return taken.daily_dose_mg


def test_of_several_changes_the_dose_in_force_is_that_of_the_latest_day() -> None:
    to_100 = replace(p.CHANGED, effective_on=TODAY, occurred_at=YESTERDAY)
    to_75 = replace(
        p.CHANGED,
        fact_id=fact("to 75"),
        to_daily_dose_mg=Decimal(75),
        effective_on=TODAY - timedelta(days=3),
        occurred_at=NOON,
    )
    assert dose_after(to_100, to_75) == dose_after(to_75, to_100) == Decimal(100)
    same_day = replace(to_75, effective_on=TODAY)
    assert dose_after(to_100, same_day) == dose_after(same_day, to_100) == Decimal(75), "of one day the later word"
    assert dose_after(to_100, to_75, own_strike(to_100)) == Decimal(75)
    assert dose_after(to_100, own_strike(to_100)) == Decimal(50)
    assert dose_after(replace(to_100, prescription=fact("other"))) == Decimal(50)


ENDED_FOR = {
    StatusReason.INEFFICACY: known.StoppedFor.INEFFICACY,
    StatusReason.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    StatusReason.ALLERGY: known.StoppedFor.ALLERGY,
}


@pytest.mark.parametrize("reason", StatusReason)
def test_a_prescription_that_ended_for_want_of_effect_intolerance_or_allergy_is_a_trial(reason: StatusReason) -> None:
    ended = replace(p.DISCONTINUED, status_reason=reason)
    trial = known.Trial(
        name="sertraline 50 MG Oral Tablet",
        rxcui="36437",
        daily_dose_mg=Decimal(50),
        weeks=Decimal(1),
        stopped_for=ENDED_FOR.get(reason),
    )
    expected = (trial,) if reason in ENDED_FOR else None
    assert chart(p.BEGUN, ended).trials == expected, "also where no history was taken"
    assert chart(p.HISTORY, p.BEGUN, ended).trials == (expected or ())
    assert chart(p.ISSUED, ended, own_strike(ended)).trials is None
    assert chart(p.ISSUED, ended, own_strike(p.ISSUED)).trials is None


def test_a_prescription_by_name_alone_that_was_not_tolerated_has_no_code() -> None:
    order = replace(p.ISSUED.order, medicine=Medicine(name="Zoloft"), daily_dose_mg=None)
    trials = chart(replace(p.ISSUED, order=order), p.DISCONTINUED).trials
    assert trials == (known.Trial(name="Zoloft", weeks=Decimal(0), stopped_for=known.StoppedFor.INTOLERANCE),)


@pytest.mark.parametrize(("grade", "held"), [(None, False), (1, False), (2, True), (3, True), (4, True), (5, True)])
def test_from_grade_2_on_a_suspected_medicine_was_not_tolerated(grade: int | None, held: bool) -> None:
    assert chart(replace(p.SEVERE_NAUSEA, ctcae_grade=grade)).trials == ((NOT_TOLERATED,) if held else None)


def test_the_suspected_medicine_is_known_by_name_or_code_or_both() -> None:
    by_code = replace(p.SEVERE_NAUSEA, suspected_medicine="", suspected_rxcui="36437")
    assert chart(by_code).trials == (replace(NOT_TOLERATED, name=None, rxcui="36437"),)
    by_both = replace(p.SEVERE_NAUSEA, suspected_rxcui="36437")
    assert chart(by_both).trials == (replace(NOT_TOLERATED, rxcui="36437"),)
    assert chart(replace(p.SEVERE_NAUSEA, suspected_medicine="")).trials is None


def test_the_prescription_whose_dose_changes_is_left_out_and_no_other() -> None:
    other = replace(p.ISSUED, fact_id=fact("other"))
    facts = (p.ISSUED, other, p.PHENELZINE_TAKEN)
    state = DECIDER.fold(facts)
    assert read(facts, changing=p.ISSUED.fact_id).medications == (SERTRALINE, PHENELZINE)
    assert read(facts).medications == (SERTRALINE, SERTRALINE, PHENELZINE)
    assert state.taken_since(p.ISSUED.fact_id) == TODAY
    assert state.taken_since(fact("unknown")) is None
    assert state.taken_since(None) is None


def test_the_state_counts_every_event_and_holds_each_where_it_belongs() -> None:
    notes = (p.PROFILE, p.HISTORY, p.SEVERE_NAUSEA)
    own = (p.ISSUED, p.DECLINED, p.CHANGED, p.DISCONTINUED)
    strikes = (own_strike(p.CHANGED), noted_strike(p.HISTORY))
    state = DECIDER.fold((*notes, *own, *strikes))
    assert state.version == 9
    assert state.facts == notes
    assert state.prescriptions == (p.ISSUED,)
    assert state.dose_changes == (p.CHANGED,)
    assert state.discontinued == (p.DISCONTINUED,)
    assert state.decided == {one.fact_id for one in own}
    assert state.struck == {p.CHANGED.fact_id, p.HISTORY.fact_id}
    assert state.evidence() == (event("profile"), event("nausea"))
