"""What becomes of an order."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from careloop.contracts.prescribing import Override, OverrideReason
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import CareloopError
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Alert, Check, Screening, Severity
from services.prescribing.domain import events, orders
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.discontinuing import discontinue
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.entered_in_error import mark_entered_in_error
from services.prescribing.domain.noted import MedicationsNoted
from services.prescribing.domain.past import as_decided, check_again
from services.prescribing.domain.readings.first import CONTRAINDICATED, NOT_CHECKED, NOT_OVERRIDDEN
from services.prescribing.domain.screening import UNINFORMED, Freshness, safety_check
from services.prescribing.domain.state import DECIDER
from tests.support.charts import asking, read
from tests.support.controls import prescribing as p
from tests.support.controls.moments import LAST_WEEK, NOON, TODAY, YESTERDAY, event, fact
from tests.support.specification import given


def ordered(name: str, dose: float | None = None) -> orders.IssuePrescription:
    """An order of a medicine by name alone."""
    medicine = Medicine(name=name)
    mg = None if dose is None else Decimal(str(dose))
    order = replace(p.SERTRALINE_50, medicine=medicine, daily_dose_mg=mg)
    return replace(p.ISSUE_SERTRALINE, fact_id=fact(name), order=order)


def taking(*names: str, stopped_on: date | None = None) -> MedicationsNoted:
    return replace(
        p.NOTHING_TAKEN, medications=tuple(known.Medication(name=name, stopped_on=stopped_on) for name in names)
    )


def decide(command: orders.IssuePrescription, *facts: events.Event) -> events.Event:
    (decided,) = given(DECIDER, *facts).when(orders.issue, command).decided
    return decided


def capsule_of(decided: events.Event) -> DecisionCapsule:
    assert isinstance(decided, events.PrescriptionIssued | events.PrescriptionDeclined | events.DoseChanged)
    return decided.capsule


def assessed_but_taking(*names: str, stopped_on: date | None = None) -> tuple[events.Event, ...]:
    listed = taking(*names, stopped_on=stopped_on)
    return tuple(listed if one is p.NOTHING_TAKEN else one for one in p.ASSESSED)


def test_an_order_that_nothing_speaks_against_is_issued_with_the_reasons_it_stood_on() -> None:
    issued = decide(p.ISSUE_SERTRALINE, *p.ASSESSED)
    assert isinstance(issued, events.PrescriptionIssued)
    assert issued.ingredients == ("sertraline",)
    capsule = issued.capsule
    assert capsule.stream_version == len(p.ASSESSED)
    assert capsule.evidence == tuple(noted.evidence for noted in p.ASSESSED)
    assert capsule.source_positions == p.FRESH.positions
    assert not [alert for alert in capsule.screening.alerts if alert.severity is Severity.CONTRAINDICATED]


def test_an_ssri_with_an_maoi_is_declined_and_nothing_can_override_it() -> None:
    tried = replace(
        p.ISSUE_SERTRALINE,
        overrides=(
            Override(
                rule="ddi.maoi-serotonergic",
                involves=(),
                reason=OverrideReason.BENEFIT_OUTWEIGHS_RISK,
            ),
        ),
    )
    declined = decide(tried, *p.ASSESSED, p.PHENELZINE_TAKEN)
    assert isinstance(declined, events.PrescriptionDeclined)
    assert declined.reasons[0] == CONTRAINDICATED


def test_a_struck_medication_no_longer_speaks_against_an_order() -> None:
    facts = (*p.ASSESSED, p.PHENELZINE_TAKEN, p.PHENELZINE_STRUCK)
    assert isinstance(decide(p.ISSUE_SERTRALINE, *facts), events.PrescriptionIssued)


@pytest.mark.parametrize(("days", "kept"), [(13, False), (14, True)])
def test_fourteen_days_pass_between_the_last_dose_of_an_maoi_and_an_ssri(days: int, kept: bool) -> None:
    facts = assessed_but_taking("phenelzine", stopped_on=TODAY - timedelta(days=days))
    assert isinstance(decide(p.ISSUE_SERTRALINE, *facts), events.PrescriptionIssued) is kept


@pytest.mark.parametrize(("days_ago", "issued"), [(13, False), (14, True)])
def test_a_medication_that_a_later_list_leaves_out_counts_as_stopped_that_day(days_ago: int, issued: bool) -> None:
    earlier = replace(p.PHENELZINE_TAKEN, occurred_at=NOON - timedelta(days=60))
    later = replace(p.NOTHING_TAKEN, occurred_at=NOON - timedelta(days=days_ago))
    facts = (p.PROFILE, p.HISTORY, earlier, later, p.NO_ALLERGIES, p.DIAGNOSIS, p.NO_RISK, p.COMPLETED)
    assert isinstance(decide(p.ISSUE_SERTRALINE, *facts), events.PrescriptionIssued) is issued


LITHIUM_WITH_LISINOPRIL = assessed_but_taking("lisinopril")


def high_alerts(screening: Screening) -> list[Alert]:
    return [alert for alert in screening.alerts if alert.severity is Severity.HIGH]


def answers_to(screening: Screening) -> tuple[Override, ...]:
    """A coded answer to everything high, and to everything that was not checked."""
    reason = OverrideReason.WILL_MONITOR
    alerts = [Override(rule=a.rule, involves=a.involves, reason=reason) for a in high_alerts(screening)]
    gaps = {f"not-checked:{missing.check}" for missing in screening.not_checked}
    return (*alerts, *(Override(rule=gap, involves=(), reason=reason) for gap in sorted(gaps)))


def test_a_high_alert_needs_a_coded_reason_of_its_own() -> None:
    order = ordered("lithium carbonate", 600)
    declined = decide(order, *LITHIUM_WITH_LISINOPRIL)
    assert isinstance(declined, events.PrescriptionDeclined)
    assert NOT_OVERRIDDEN in declined.reasons
    everything = answers_to(declined.capsule.screening)
    issued = decide(replace(order, overrides=everything), *LITHIUM_WITH_LISINOPRIL)
    assert isinstance(issued, events.PrescriptionIssued)
    assert set(issued.capsule.overrides) == set(everything)


def test_an_override_of_one_alert_does_not_answer_another_of_the_same_rule() -> None:
    order = ordered("lithium carbonate", 600)
    facts = assessed_but_taking("lisinopril", "ibuprofen", "hydrochlorothiazide")
    everything = answers_to(capsule_of(decide(order, *facts)).screening)
    for left_out in [answer for answer in everything if not answer.rule.startswith("not-checked")]:
        rest = tuple(answer for answer in everything if answer != left_out)
        declined = decide(replace(order, overrides=rest), *facts)
        assert isinstance(declined, events.PrescriptionDeclined), left_out
    assert isinstance(decide(replace(order, overrides=everything), *facts), events.PrescriptionIssued)


def test_overrides_that_answer_nothing_are_not_part_of_the_decision() -> None:
    tried = replace(p.ISSUE_SERTRALINE, overrides=(p.OVERRIDE,))
    assert capsule_of(decide(tried, *p.ASSESSED)).overrides == ()


def test_a_drug_nobody_knows_is_never_clear_and_needs_a_coded_reason() -> None:
    declined = decide(ordered("xyzmab", 10), *p.ASSESSED)
    assert isinstance(declined, events.PrescriptionDeclined)
    assert declined.reasons == (NOT_CHECKED,)
    assert declined.capsule.screening.outcome == "not-checked"


def test_a_high_risk_drug_is_declined_while_the_allergy_list_was_never_asked() -> None:
    facts = (p.PROFILE, p.HISTORY, p.NOTHING_TAKEN, p.DIAGNOSIS, p.NO_RISK)
    order = ordered("clozapine", 25)
    assert NOT_CHECKED in decide(order, *facts).reasons  # type: ignore[union-attr]


def test_a_drug_of_ordinary_risk_is_issued_with_the_gaps_on_record() -> None:
    issued = decide(p.ISSUE_SERTRALINE, p.PROFILE, p.COMPLETED)
    assert isinstance(issued, events.PrescriptionIssued)
    gaps = {(missing.check, missing.reason) for missing in issued.capsule.screening.not_checked}
    assert (Check.DRUG_DRUG, "medications-not-recorded") in gaps
    assert (Check.ALLERGY, "allergies-not-asked") in gaps


@pytest.mark.parametrize("freshness", [p.STALE, UNINFORMED], ids=["sources behind", "nobody looked"])
def test_stale_evidence_is_not_evidence(freshness: Freshness) -> None:
    screening = capsule_of(decide(replace(p.ISSUE_SERTRALINE, freshness=freshness), *p.ASSESSED)).screening
    stale = {missing.check for missing in screening.not_checked if missing.reason == "evidence-stale"}
    assert {Check.DRUG_DRUG, Check.WASHOUT, Check.ALLERGY, Check.DUPLICATE_THERAPY} <= stale
    assert screening.outcome != "clear"
    declined = decide(replace(ordered("phenelzine", 45), freshness=freshness), *p.ASSESSED)
    assert NOT_CHECKED in declined.reasons  # type: ignore[union-attr]


def test_our_own_prescription_is_checked_although_no_list_was_ever_taken() -> None:
    screening = capsule_of(decide(ordered("phenelzine", 45), p.PROFILE, p.ISSUED)).screening
    assert Severity.CONTRAINDICATED in {alert.severity for alert in screening.alerts}


def test_a_medicine_suspected_of_a_severe_side_effect_counts_as_not_tolerated() -> None:
    (trial,) = read((*p.ASSESSED, p.SEVERE_NAUSEA, p.UNGRADED_RASH)).trials or ()
    assert (trial.name, trial.stopped_for) == ("sertraline", known.StoppedFor.INTOLERANCE)


@pytest.mark.parametrize(
    "credential",
    [
        None,
        replace(p.CREDENTIAL, kind="therapist"),
        replace(p.CREDENTIAL, valid_until=NOON - timedelta(seconds=1)),
        replace(p.CREDENTIAL, valid_from=NOON + timedelta(seconds=1)),
    ],
)
def test_only_a_credential_valid_now_prescribes(credential: object) -> None:
    with pytest.raises(CareloopError, match=r"credential-(required|not-valid)"):
        orders.issue(replace(p.ISSUE_SERTRALINE, credential=credential), DECIDER.fold(p.ASSESSED))  # type: ignore[arg-type]


def test_the_credential_counts_on_the_day_of_the_order_too() -> None:
    began_today = replace(p.CREDENTIAL, valid_from=datetime(2026, 11, 23, tzinfo=UTC))
    dated_back = replace(p.ISSUE_SERTRALINE, credential=began_today, occurred_at=YESTERDAY)
    given(DECIDER, *p.ASSESSED).when(orders.issue, dated_back).then_refused("credential-not-valid")


@pytest.mark.parametrize(("days", "found"), [(13, {"dose.lamotrigine-titration"}), (14, set()), (400, set())])
def test_a_dose_change_of_lamotrigine_is_no_start_and_keeps_to_its_titration(days: int, found: set[str]) -> None:
    lamotrigine = Medicine(name="lamotrigine", rxcui="28439")
    begun = replace(
        p.ISSUED.order, medicine=lamotrigine, daily_dose_mg=Decimal(25), starts_on=TODAY - timedelta(days=days)
    )
    stream = (*p.ASSESSED, replace(p.ISSUED, order=begun))
    (decided,) = given(DECIDER, *stream).when(change_dose, replace(p.CHANGE_TO_100, daily_dose_mg=Decimal(50))).decided
    assert isinstance(decided, events.DoseChanged | events.PrescriptionDeclined)
    told = {alert.rule for alert in capsule_of(decided).screening.alerts if alert.kind is Check.DOSE}
    assert told == found
    assert check_again(as_decided(decided, stream, TODAY)) == capsule_of(decided).screening


def test_nobody_prescribes_for_someone_who_is_not_enrolled() -> None:
    given(DECIDER).when(orders.issue, p.ISSUE_SERTRALINE).then_refused("patient-not-known")


def test_a_dose_is_changed_after_the_same_check() -> None:
    (changed,) = given(DECIDER, *p.ASSESSED, p.ISSUED).when(change_dose, p.CHANGE_TO_100).decided
    assert isinstance(changed, events.DoseChanged)
    assert (changed.from_daily_dose_mg, changed.to_daily_dose_mg) == (Decimal(50), Decimal(100))
    kinds = {alert.kind for alert in changed.capsule.screening.alerts}
    assert Check.DUPLICATE_THERAPY not in kinds, "a prescription is no duplicate of itself"


@pytest.mark.parametrize(("dose", "declined"), [(200, False), (201, True)])
def test_more_than_the_maximum_daily_dose_asks_for_a_reason(dose: int, declined: bool) -> None:
    asked = replace(p.CHANGE_TO_100, daily_dose_mg=Decimal(dose))
    (decided,) = given(DECIDER, *p.ASSESSED, p.ISSUED).when(change_dose, asked).decided
    dose_alerts = [alert for alert in capsule_of(decided).screening.alerts if alert.kind is Check.DOSE]
    assert bool(dose_alerts) is declined


def test_an_ended_or_unknown_prescription_cannot_change() -> None:
    given(DECIDER, *p.ASSESSED).when(change_dose, p.CHANGE_TO_100).then_refused("prescription-not-known")
    given(DECIDER, *p.ASSESSED, p.ISSUED, p.DISCONTINUED).when(change_dose, p.CHANGE_TO_100).then_refused(
        "prescription-ended"
    )
    same = replace(p.CHANGE_TO_100, daily_dose_mg=Decimal(50))
    given(DECIDER, *p.ASSESSED, p.ISSUED).when(change_dose, same).then_refused("dose-unchanged")


def test_a_prescription_ends_once() -> None:
    given(DECIDER, p.ISSUED).when(discontinue, p.DISCONTINUE).then(p.DISCONTINUED)
    again = replace(p.DISCONTINUE, fact_id=fact("end again"))
    given(DECIDER, p.ISSUED, p.DISCONTINUED).when(discontinue, again).then_nothing()
    tomorrow = replace(p.DISCONTINUE, stopped_on=TODAY + timedelta(days=1))
    given(DECIDER, p.ISSUED).when(discontinue, tomorrow).then_refused("stopped-in-the-future")


def test_a_prescription_ended_for_intolerance_speaks_against_the_next() -> None:
    trials = read((*p.ASSESSED, p.ISSUED, p.DISCONTINUED)).trials or ()
    assert [trial.stopped_for for trial in trials] == [known.StoppedFor.INTOLERANCE]


def test_what_was_entered_in_error_no_longer_counts() -> None:
    given(DECIDER, p.ISSUED).when(mark_entered_in_error, p.STRIKE).then(p.STRUCK)
    given(DECIDER, p.ISSUED, p.STRUCK).when(mark_entered_in_error, p.STRIKE).then_nothing()
    given(DECIDER).when(mark_entered_in_error, p.STRIKE).then_refused("fact-not-known")
    assert read((p.ISSUED, p.STRUCK)).medications is None


@for_all(history=st.lists(st.sampled_from(p.EXAMPLES), max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_capsule_run_again_gives_the_same_answer(history: list[events.Event]) -> None:
    facts = [*p.ASSESSED, *history]
    with suppress(CareloopError):
        for decided in given(DECIDER, *facts).when(orders.issue, p.ISSUE_SERTRALINE).decided:
            capsule = capsule_of(decided)
            again = safety_check(asking(facts[: capsule.stream_version]), p.FRESH)
            assert again == capsule.screening


def test_the_latest_list_counts_by_when_it_was_true_not_by_when_it_came() -> None:
    late = replace(p.NOTHING_TAKEN, fact_id=fact("late"), evidence=event("late"), occurred_at=LAST_WEEK)
    now = replace(taking("phenelzine"), fact_id=fact("now"), occurred_at=YESTERDAY)
    medications = read((p.PROFILE, now, late)).medications or ()
    assert [taken.name for taken in medications if taken.stopped_on is None] == ["phenelzine"]


def gaps_of(name: str, *facts: events.Event, freshness: Freshness = p.FRESH) -> set[tuple[Check, str]]:
    command = replace(ordered(name, 100), freshness=freshness)
    return {(gap.check, gap.reason) for gap in capsule_of(decide(command, *facts)).screening.not_checked}


WOMAN = replace(p.PROFILE, sex=known.Sex.FEMALE)


def test_pregnancy_is_not_checked_until_somebody_recorded_it() -> None:
    assessed = (WOMAN, *p.ASSESSED[1:])
    unknown = (Check.PREGNANCY, "pregnancy-unknown")
    assert unknown in gaps_of("lithium carbonate", *assessed)
    assert unknown not in gaps_of("lithium carbonate", *assessed, p.NOT_PREGNANT)
    later = replace(p.NOT_PREGNANT, fact_id=fact("unknown"), status=known.Pregnancy.UNKNOWN, occurred_at=YESTERDAY)
    assert unknown in gaps_of("lithium carbonate", *assessed, p.NOT_PREGNANT, later)


def test_an_order_in_pregnancy_names_it_and_its_evidence() -> None:
    pregnant = replace(p.NOT_PREGNANT, status=known.Pregnancy.PREGNANT)
    capsule = capsule_of(decide(ordered("valproate", 500), WOMAN, *p.ASSESSED[1:], pregnant))
    assert Check.PREGNANCY in {alert.kind for alert in capsule.screening.alerts}
    assert pregnant.evidence in capsule.evidence


def bipolar_alerts(*facts: events.Event) -> set[str]:
    command = replace(ordered("sertraline", 50), freshness=p.FRESH)
    found = capsule_of(decide(command, *p.ASSESSED, *facts)).screening.alerts
    return {alert.rule for alert in found if alert.kind is Check.DRUG_CONDITION}


def test_a_positive_mdq_speaks_against_an_antidepressant_until_a_later_one_is_negative_or_it_is_struck() -> None:
    later = replace(p.POSITIVE_MDQ, fact_id=fact("later"), band="negative", occurred_at=YESTERDAY)
    strike = replace(p.PHENELZINE_STRUCK, fact_id=p.POSITIVE_MDQ.fact_id)
    assert bipolar_alerts() == set()
    assert bipolar_alerts(p.POSITIVE_MDQ) == {"condition.antidepressant-bipolar"}
    assert bipolar_alerts(later, p.POSITIVE_MDQ) == set()
    assert bipolar_alerts(p.POSITIVE_MDQ, strike) == set()


@pytest.mark.parametrize(
    ("band", "found"), [("probable-mania", {"condition.antidepressant-bipolar"}), ("unlikely", set()), ("", set())]
)
def test_probable_mania_on_the_altman_scale_speaks_against_an_antidepressant(band: str, found: set[str]) -> None:
    assert bipolar_alerts(replace(p.POSITIVE_MDQ, instrument="asrm", band=band)) == found


def test_results_answer_the_laboratory_check_until_they_are_struck() -> None:
    missing = (Check.LAB, "labs-not-recorded")
    strike = replace(p.PHENELZINE_STRUCK, fact_id=p.NEUTROPHILS.fact_id)
    assert missing in gaps_of("clozapine", *p.ASSESSED)
    assert missing not in gaps_of("clozapine", *p.ASSESSED, p.NEUTROPHILS)
    assert missing in gaps_of("clozapine", *p.ASSESSED, p.NEUTROPHILS, strike)


def test_stale_pregnancy_and_results_are_no_evidence() -> None:
    facts = (*p.ASSESSED, p.NOT_PREGNANT, p.NEUTROPHILS)
    stale = gaps_of("clozapine", *facts, freshness=p.STALE)
    assert {(Check.PREGNANCY, "evidence-stale"), (Check.LAB, "evidence-stale")} <= stale
