"""What every decision of assessment refuses before it records anything, command by command; and what it records."""

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts.assessment import Location, Plan, ProposedMedication, Sex
from careloop.contracts.terms import EnteredInError, RiskLevel, RiskRaised, Role, ScaleScored
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, NotKnown, RuleViolated
from careloop.kernel.ids import FactId, derived_id
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import Event
from services.assessment.domain.state import DECIDER
from tests.support.controls import assessment as control
from tests.support.specification import given

CORRECTED = replace(control.ENROLLED, fact_id=control.fact("corrected"), name="Alma R.")
ENROLLED = (control.ENROLLED,)
DONE = (*control.RECORDED, control.COMPLETED)
ENOUGH: dict[str, tuple[Any, tuple[Event, ...]]] = {
    "EnrollPatient": (control.ENROLL, ()),
    "RecordHistory": (control.RECORD_HISTORY, ENROLLED),
    "ReconcileMedications": (control.RECONCILE, ENROLLED),
    "RecordAllergies": (control.RECORD_ALLERGIES, ENROLLED),
    "AddMedication": (control.ADD_MEDICATION, (*ENROLLED, control.MEDICATIONS)),
    "AddAllergy": (control.ADD_ALLERGY, (*ENROLLED, control.ALLERGIES)),
    "AddToPlan": (control.ADD_TO_PLAN, (*ENROLLED, control.PLAN_PROPOSED)),
    "RecordListGaps": (control.RECORD_LIST_GAPS, ENROLLED),
    "RecordPregnancy": (control.RECORD_PREGNANCY, ENROLLED),
    "RecordResults": (control.RECORD_RESULTS, ENROLLED),
    "RecordGenotypes": (control.RECORD_GENOTYPES, ENROLLED),
    "RecordSmoking": (control.RECORD_SMOKING, ENROLLED),
    "AnswerScale": (control.ANSWER_PHQ_9, ENROLLED),
    "RecordScaleTotal": (control.RECORD_TOTAL, ENROLLED),
    "EstablishDiagnosis": (control.ESTABLISH, ENROLLED),
    "ProposePlan": (control.PROPOSE, ENROLLED),
    "CompleteAssessment": (control.COMPLETE, control.RECORDED),
    "AmendAssessment": (control.AMEND, DONE),
    "CloseEpisode": (control.CLOSE, ENROLLED),
    "ConfirmDeath": (control.CONFIRM, (*ENROLLED, control.DIED)),
    "MarkEnteredInError": (control.STRIKE, (*ENROLLED, control.MEDICATIONS)),
}
"""A command that is allowed, and what must have happened before."""
RECORDED_BY_ALL = {"time", "enrolment", "repeat"}
GUARDS = {
    "EnrollPatient": {"time", "repeat"},
    "RecordHistory": RECORDED_BY_ALL,
    "ReconcileMedications": RECORDED_BY_ALL,
    "RecordAllergies": RECORDED_BY_ALL,
    "AddMedication": RECORDED_BY_ALL,
    "AddAllergy": RECORDED_BY_ALL,
    "AddToPlan": RECORDED_BY_ALL,
    "RecordListGaps": RECORDED_BY_ALL,
    "RecordPregnancy": RECORDED_BY_ALL,
    "RecordResults": RECORDED_BY_ALL,
    "RecordGenotypes": RECORDED_BY_ALL,
    "RecordSmoking": RECORDED_BY_ALL,
    "AnswerScale": RECORDED_BY_ALL,
    "RecordScaleTotal": RECORDED_BY_ALL,
    "EstablishDiagnosis": RECORDED_BY_ALL,
    "ProposePlan": RECORDED_BY_ALL,
    "CompleteAssessment": {"credential", *RECORDED_BY_ALL},
    "AmendAssessment": {"credential", *RECORDED_BY_ALL},
    "CloseEpisode": {"credential", *RECORDED_BY_ALL},
    "ConfirmDeath": RECORDED_BY_ALL,
    "MarkEnteredInError": {"enrolment", "fact", "repeat"},
}
SECOND = timedelta(seconds=1)


def guarded(guard: str) -> list[str]:
    return [command for command, guards in GUARDS.items() if guard in guards]


def decide(command: Any, *facts: Event) -> list[Event]:
    return given(DECIDER, *facts).when(DECISIONS[type(command)], command).decided


def refusal(command: Any, *facts: Event) -> CareloopError:
    with pytest.raises(CareloopError) as refused:
        decide(command, *facts)
    assert refused.value.sentence.endswith("."), "people read a whole sentence"
    return refused.value


def struck(of: Any) -> EnteredInError:
    return replace(control.STRUCK, fact_id=of.fact_id)


def test_every_command_has_its_guards_and_they_follow_from_what_it_names() -> None:
    assert {command.__name__ for command in DECISIONS} == set(GUARDS) == set(ENOUGH)
    for name, (command, _facts) in ENOUGH.items():
        said = {field.name for field in fields(command)}
        assert type(command).__name__ == name
        assert ("occurred_at" in said) == ("time" in GUARDS[name])
        assert ("credential" in said) == ("credential" in GUARDS[name])


@pytest.mark.parametrize("name", GUARDS)
def test_with_enough_before_it_every_command_is_decided(name: str) -> None:
    command, facts = ENOUGH[name]
    assert decide(command, *facts)


@pytest.mark.parametrize("name", guarded("time"))
def test_nothing_is_recorded_of_the_future(name: str) -> None:
    command, facts = ENOUGH[name]
    assert decide(replace(command, occurred_at=control.NOW, now=control.NOW), *facts)
    refused = refusal(replace(command, occurred_at=control.NOW + SECOND), *facts)
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == ("in-the-future", "occurred_at")


@pytest.mark.parametrize("name", guarded("enrolment"))
def test_only_of_a_client_who_is_enrolled_anything_is_recorded_or_struck(name: str) -> None:
    command, facts = ENOUGH[name]
    others = [one for one in facts if one is not control.ENROLLED]
    twice_struck = [control.ENROLLED, CORRECTED, struck(control.ENROLLED), struck(CORRECTED)]
    for history in (others, [*others, *twice_struck]):
        refused = refusal(command, *history)
        assert isinstance(refused, NotKnown)
        assert refused.slug == "patient-not-known"
    assert decide(command, *others, control.ENROLLED, CORRECTED, struck(control.ENROLLED)), "one identity stands"


@pytest.mark.parametrize("name", guarded("credential"))
@pytest.mark.parametrize("kind", [None, *Role])
def test_only_a_psychiatrist_or_a_psychiatric_nurse_practitioner_decides(name: str, kind: Role | None) -> None:
    command, facts = ENOUGH[name]
    credential = None if kind is None else replace(control.CREDENTIAL, kind=str(kind))
    asked = replace(command, credential=credential)
    if kind in (Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER):
        (decided,) = decide(asked, *facts)
        assert getattr(decided, "credential", kind) == kind
    else:
        refused = refusal(asked, *facts)
        assert isinstance(refused, NotAllowed)
        assert refused.slug == "credential-required"


@pytest.mark.parametrize("name", guarded("credential"))
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "allowed"),
    [
        (control.TUESDAY, control.NOW, True),
        (control.TUESDAY + SECOND, control.NOW, False),
        (control.TUESDAY, control.NOW - SECOND, False),
        (control.NOW, control.NOW, False),
        (control.TUESDAY, control.TUESDAY, False),
    ],
)
def test_the_credential_is_valid_when_it_happened_and_when_it_is_recorded(
    name: str, valid_from: datetime, valid_until: datetime, allowed: bool
) -> None:
    command, facts = ENOUGH[name]
    credential = Credential(kind="psychiatrist", valid_from=valid_from, valid_until=valid_until)
    asked = replace(command, credential=credential, occurred_at=control.TUESDAY)
    if allowed:
        assert decide(asked, *facts)
    else:
        assert refusal(asked, *facts).slug == "credential-not-valid"


@pytest.mark.parametrize("name", guarded("repeat"))
def test_a_repeat_changes_nothing_even_when_what_it_recorded_was_struck(name: str) -> None:
    command, facts = ENOUGH[name]
    done = [*facts, *decide(command, *facts)]
    assert decide(command, *done) == []
    if name not in ("EnrollPatient", "MarkEnteredInError"):
        assert decide(command, *done, struck(command)) == []


def test_a_repeat_of_an_identity_that_was_corrected_or_struck_since_changes_nothing() -> None:
    assert decide(control.ENROLL, control.ENROLLED, CORRECTED) == []
    assert decide(control.ENROLL, control.ENROLLED, CORRECTED, struck(control.ENROLLED)) == []


# What is recorded.


ADDITIONS = {"AddMedication", "AddAllergy", "AddToPlan"}
"""What they come to says more than they do: the whole list."""


@pytest.mark.parametrize(
    "name", [name for name, guards in GUARDS.items() if guards == RECORDED_BY_ALL and name not in ADDITIONS]
)
def test_what_is_recorded_says_all_that_was_asked(name: str) -> None:
    command, facts = ENOUGH[name]
    recorded = decide(command, *facts)[0]
    asked = {field.name for field in fields(command)} - {"now"}
    same = asked & {field.name for field in fields(recorded)}
    assert {one: getattr(recorded, one) for one in same} == {one: getattr(command, one) for one in same}
    assert asked - same <= {"actor", "confirm_removal"}


def test_an_enrolment_says_all_that_was_asked_and_leaves_unknown_what_was_not() -> None:
    assert decide(control.ENROLL) == [control.ENROLLED]
    barely = replace(control.ENROLL, phone="", email="", emergency_contact=None, location=None, time_zone="UTC")
    assert decide(barely) == [
        replace(control.ENROLLED, phone="", email="", emergency_contact=None, location=None, time_zone="UTC")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Alma R."},
        {"birth_date": date(1991, 4, 12)},
        {"sex": Sex.OTHER},
        {"phone": "555-0199"},
        {"email": "other@example.org"},
        {"emergency_contact": None},
        {"location": Location(address="9 Oak Street", emergency_department="")},
        {"time_zone": "America/New_York"},
        {"name": "Alma R.", "sex": Sex.OTHER},
        {"birth_date": date(1991, 4, 12), "sex": Sex.OTHER},
    ],
)
def test_any_change_of_an_identity_is_recorded_with_its_own_id_and_time(changes: dict[str, Any]) -> None:
    again = replace(control.ENROLL, fact_id=control.fact("again"), occurred_at=control.TUESDAY, **changes)
    expected = replace(control.ENROLLED, fact_id=again.fact_id, occurred_at=control.TUESDAY, **changes)
    assert decide(again, control.ENROLLED) == [expected]
    assert decide(replace(again, fact_id=control.fact("once more")), control.ENROLLED, expected) == []
    assert decide(replace(again, fact_id=control.fact("back")), control.ENROLLED, expected, struck(expected)) != []


def test_another_name_with_another_birth_date_is_refused_as_another_person() -> None:
    other = replace(control.ENROLL, fact_id=control.fact("other"), name="Bo Lund", birth_date=date(1971, 1, 1))
    refused = refusal(other, control.ENROLLED)
    assert isinstance(refused, RuleViolated)
    assert refused.slug == "another-person"
    wrong = replace(CORRECTED, birth_date=date(1971, 1, 1))
    assert refusal(control.as_of(control.ENROLL, phone="1"), wrong).slug == "another-person"
    assert decide(control.as_of(control.ENROLL, phone="1"), control.ENROLLED, wrong, struck(wrong))


@pytest.mark.parametrize(("days_after", "allowed"), [(-1, True), (0, True), (1, False)])
def test_nobody_is_enrolled_before_the_day_of_birth(days_after: int, allowed: bool) -> None:
    born = control.MONDAY.date() + timedelta(days=days_after)
    asked = replace(control.ENROLL, birth_date=born, occurred_at=control.MONDAY, minors=True)
    if allowed:
        assert decide(asked)
    else:
        refused = refusal(asked)
        assert (refused.slug, refused.field) == ("birth-after-enrolment", "birth_date")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "/etc/localtime", "America"])
def test_a_time_zone_that_nobody_knows_is_refused(zone: str) -> None:
    refused = refusal(replace(control.ENROLL, time_zone=zone))
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == ("time-zone-unknown", "time_zone")


CONDITIONS, TREATMENTS = control.HISTORY.conditions, control.HISTORY.earlier_treatments
SAYING = [
    ("RecordHistory", ("conditions", "earlier_treatments"), "nothing_known"),
    ("ReconcileMedications", ("medications",), "none_taken"),
    ("RecordAllergies", ("allergies",), "no_known_allergies"),
    ("RecordResults", ("results",), "none_known"),
    ("RecordGenotypes", ("genotypes",), "none_known"),
]


@pytest.mark.parametrize(("name", "lists", "flag"), SAYING)
def test_that_there_are_none_is_said_where_nothing_is_listed_and_nowhere_else(
    name: str, lists: tuple[str, ...], flag: str
) -> None:
    command, facts = ENOUGH[name]
    nothing = replace(command, **dict.fromkeys(lists, ()))
    refused = refusal(nothing, *facts)
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == ("none-not-said", lists[0])
    assert flag in refused.sentence
    (recorded,) = decide(replace(nothing, **{flag: True}), *facts)
    assert getattr(recorded, flag) is True
    assert [getattr(recorded, one) for one in lists] == [()] * len(lists)
    for one in lists:
        listed = replace(nothing, **{one: getattr(command, one)})
        (recorded,) = decide(listed, *facts)
        assert getattr(recorded, flag) is False
        both = refusal(replace(listed, **{flag: True}), *facts)
        assert isinstance(both, InvalidInput)
        assert (both.slug, both.field) == ("both-some-and-none", flag)


@pytest.mark.parametrize(
    ("started_on", "stopped_on", "allowed"),
    [
        (None, None, True),
        (date(2026, 3, 2), None, True),
        (None, date(2026, 3, 2), True),
        (date(2026, 3, 1), date(2026, 3, 2), True),
        (date(2026, 3, 2), date(2026, 3, 2), True),
        (date(2026, 3, 3), date(2026, 3, 2), False),
    ],
)
def test_a_medication_stops_on_the_day_it_started_or_later(
    started_on: date | None, stopped_on: date | None, allowed: bool
) -> None:
    usual = control.MEDICATIONS.medications[0]
    asked = replace(
        control.RECONCILE, medications=(usual, replace(usual, started_on=started_on, stopped_on=stopped_on))
    )
    if allowed:
        assert decide(asked, control.ENROLLED)
    else:
        refused = refusal(asked, control.ENROLLED)
        assert isinstance(refused, InvalidInput)
        assert (refused.slug, refused.field) == ("stopped-before-started", "medications[1].stopped_on")


RESULT = control.RESULTS.results[0]


@pytest.mark.parametrize(
    ("changes", "slug", "field"),
    [
        ({"loinc": "2160-0"}, None, ""),
        ({"loinc": "1-8"}, None, ""),
        ({"loinc": "1234567-8"}, None, ""),
        ({"loinc": "12345678-9"}, "not-loinc", "loinc"),
        ({"loinc": "2160-00"}, "not-loinc", "loinc"),
        ({"loinc": "2160"}, "not-loinc", "loinc"),
        ({"loinc": "x2160-0"}, "not-loinc", "loinc"),
        ({"loinc": "2160-0\n"}, "not-loinc", "loinc"),
        ({"on": control.NOW.date() - timedelta(days=1)}, None, ""),
        ({"on": control.NOW.date()}, None, ""),
        ({"on": control.NOW.date() + timedelta(days=1)}, "in-the-future", "on"),
    ],
)
def test_a_result_has_a_loinc_code_and_no_day_to_come(changes: dict[str, Any], slug: str | None, field: str) -> None:
    asked = replace(control.RECORD_RESULTS, results=(RESULT, replace(RESULT, **changes)))
    if slug is None:
        assert decide(asked, control.ENROLLED)
    else:
        refused = refusal(asked, control.ENROLLED)
        assert isinstance(refused, InvalidInput)
        assert (refused.slug, refused.field) == (slug, f"results[1].{field}")


def test_what_is_no_diagnosis_is_refused_by_its_field() -> None:
    refused = refusal(replace(control.ESTABLISH, icd10="depression"), control.ENROLLED)
    assert isinstance(refused, InvalidInput)
    assert (refused.slug, refused.field) == ("not-icd-10-cm", "icd10")


SERTRALINE = ProposedMedication(medicine=control.SERTRALINE, daily_dose_mg=Decimal(50))


@pytest.mark.parametrize(
    ("plan", "allowed"),
    [
        (Plan(medications=(SERTRALINE,)), True),
        (Plan(therapies=("group",)), True),
        (Plan(medications=(SERTRALINE,), therapies=("group",)), True),
        (Plan(goals=("sleep",)), False),
        (Plan(), False),
    ],
)
def test_a_plan_has_a_medication_or_a_therapy(plan: Plan, allowed: bool) -> None:
    asked = replace(control.PROPOSE, plan=plan)
    if allowed:
        assert decide(asked, control.ENROLLED) == [replace(control.PLAN_PROPOSED, plan=plan)]
    else:
        refused = refusal(asked, control.ENROLLED)
        assert isinstance(refused, InvalidInput)
        assert (refused.slug, refused.field) == ("plan-empty", "plan")


# Scales.


def test_a_total_from_elsewhere_is_recorded_without_items() -> None:
    assert decide(control.RECORD_TOTAL, control.ENROLLED) == [
        ScaleScored(
            fact_id=control.RECORD_TOTAL.fact_id,
            instrument="gad-7",
            instrument_version=1,
            items=None,
            total=12,
            band="moderate",
            flags=(),
            missing=0,
            source="ehr-import",
            scored_by=control.NURSE,
            occurred_at=control.MONDAY,
        )
    ]


def test_answers_that_are_missing_are_counted_and_no_total_is_invented() -> None:
    asked = replace(control.ANSWER_PHQ_9, items=(None,) * 9)
    assert decide(asked, control.ENROLLED) == [
        replace(control.PHQ_9, items=(None,) * 9, total=None, band="", flags=("safety-item-missing",), missing=9)
    ]


@pytest.mark.parametrize(
    ("items", "level", "within"),
    [
        ((1, 1, 1, 0, 0, 0, 0), RiskLevel.MODERATE, timedelta(hours=24)),
        ((1, 1, 0, 1, 0, 0, 0), RiskLevel.HIGH, timedelta(hours=1)),
    ],
)
def test_the_risk_of_a_screener_says_of_which_scale_it_is_why_and_until_when(
    items: tuple[int, ...], level: RiskLevel, within: timedelta
) -> None:
    asked = replace(control.ANSWER_SCREENER, items=items)
    scale, risk = decide(asked, control.ENROLLED)
    assert scale == replace(control.SCREENER, items=items, band=str(level), flags=scale.flags, missing=0)  # type: ignore[union-attr]
    assert risk == RiskRaised(
        fact_id=FactId(derived_id("assessment", "risk", control.SCREENER.fact_id)),
        scale_fact_id=control.SCREENER.fact_id,
        level=level,
        reason=f"c-ssrs-{level}",
        rule="risk.c-ssrs-band",
        rule_version=2,
        due_at=control.NOW + within,
        occurred_at=control.MONDAY,
        reporter=asked.reporter,
    )
    other = replace(asked, fact_id=control.fact("another screener"))
    assert decide(other, control.ENROLLED)[1].fact_id not in (risk.fact_id, scale.fact_id, other.fact_id)


# Strikes.


@pytest.mark.parametrize("name", guarded("fact"))
def test_only_what_is_recorded_here_is_struck(name: str) -> None:
    command, facts = ENOUGH[name]
    refused = refusal(replace(command, fact_id=control.fact("never recorded")), *facts)
    assert isinstance(refused, NotKnown)
    assert (refused.slug, refused.field) == ("fact-not-known", "fact_id")


def strike(of: Any) -> Any:
    return replace(control.STRIKE, fact_id=of.fact_id, reason="another client's", now=control.NOW)


def said_struck(*of: Any) -> list[EnteredInError]:
    return [
        EnteredInError(fact_id=one.fact_id, reason="another client's", marked_by=control.NURSE, occurred_at=control.NOW)
        for one in of
    ]


RISK_OF_THE_SCREENER = replace(
    control.RISK, fact_id=control.fact("risk of the screener"), scale_fact_id=control.SCREENER.fact_id
)
AMENDED_AGAIN = replace(control.AMENDED, fact_id=control.fact("amended again"))
ALL = (*control.RECORDED, control.LIST_GAPS, control.NOT_PREGNANT, control.RESULTS, control.PHQ_9, control.RISK,
       RISK_OF_THE_SCREENER, control.COMPLETED, control.AMENDED, AMENDED_AGAIN)  # fmt: skip


@pytest.mark.parametrize("fact", [one for one in ALL if one is not control.ENROLLED])
def test_what_is_struck_is_struck_with_what_means_nothing_without_it(fact: Event) -> None:
    following: dict[Any, tuple[Event, ...]] = {
        control.PHQ_9: (control.RISK,),
        control.SCREENER: (RISK_OF_THE_SCREENER,),
        control.COMPLETED: (control.AMENDED, AMENDED_AGAIN),
    }
    expected = said_struck(fact, *following.get(fact, ()))
    assert decide(strike(fact), *ALL) == expected
    assert decide(strike(fact), *ALL, *expected) == []


def test_what_was_struck_before_is_not_struck_again_with_what_it_followed_from() -> None:
    assert decide(strike(control.PHQ_9), *ALL, struck(control.RISK)) == said_struck(control.PHQ_9)
    assert decide(strike(control.COMPLETED), *ALL, struck(control.AMENDED)) == said_struck(
        control.COMPLETED, AMENDED_AGAIN
    )


def test_an_identity_is_struck_only_while_another_stands() -> None:
    assert refusal(strike(control.ENROLLED), control.ENROLLED).slug == "only-enrolment"
    both = (control.ENROLLED, CORRECTED)
    assert decide(strike(control.ENROLLED), *both) == said_struck(control.ENROLLED)
    assert decide(strike(CORRECTED), *both) == said_struck(CORRECTED)
    refused = refusal(strike(CORRECTED), *both, struck(control.ENROLLED))
    assert isinstance(refused, RuleViolated)
    assert refused.slug == "only-enrolment"
    assert decide(strike(control.ENROLLED), *both, struck(control.ENROLLED)) == []
