"""Some clients of an earlier build, whose facts that build passed over, or put in another way than this one."""

from datetime import UTC, datetime, timedelta

from tests.support.histories.care import PHENELZINE, SERTRALINE, Care
from tests.support.processes.running import (
    System,
    ago,
    assessment,
    common,
    monitoring,
    prescribing,
)

TRAMADOL = common.Medicine(name="tramadol", rxcui="10689")


async def told(system: System) -> dict[str, str]:
    """Tells all of it; answers each client's patient id, by what is remarkable about them."""
    told_of = {
        "assessed": await _assessed(system),
        "listed": await _listed_what_we_prescribe(system),
        "declined": await _declined(system),
        "too-early": await _ordered_before_the_assessment(system),
        "late-risk": await _screened_late(system),
    }
    return {name: care.patient_id for name, care in told_of.items()}


async def _enrolled(system: System, time_zone: str = "America/New_York") -> Care:
    care = Care(system)
    request = assessment.EnrollPatientRequest(
        name="Robin Example", birth_date="1990-01-01", sex="female", phone="555-0100", time_zone=time_zone
    )
    await care.tell(care.registrar, "assessment", request)
    await care.form_team()
    return care


async def _assessed(system: System) -> Care:
    """Assessed, treated, and with doses that were dated ahead: one of tomorrow, one of a day that is too far now."""
    care = await _enrolled(system)
    await care.assess()
    history = assessment.RecordHistoryRequest(
        conditions=[
            assessment.Condition(
                coding=common.Coding(system="icd-10-cm", code="F32.9", display="Depression"), clinical_status="resolved"
            )
        ],
        source="interview",
    )
    await care.tell(care.prescriber, "assessment", history)
    issued = await care.order(SERTRALINE, "50")
    for days, dose in ((1, "100"), (1500, "150")):
        request = prescribing.ChangeDoseRequest(
            prescription_id=issued.fact_id,
            daily_dose_mg=dose,
            effective_on=(datetime.now(UTC).date() + timedelta(days=days)).isoformat(),
            reason="partial response",
            at_least=[care.tokens["assessment"]],
        )
        await care.tell(care.prescriber, "prescribing", request)
    report = monitoring.ReportSideEffectRequest(
        symptom="nausea", ctcae_grade=2, suspected_medicine=SERTRALINE, occurred_at=ago(minutes=5)
    )
    await care.tell(care.client, "monitoring", report)
    taken = monitoring.RecordDoseRequest(
        medicine=SERTRALINE, status=monitoring.DOSE_STATUS_TAKEN, occurred_at=ago(minutes=2)
    )
    await care.tell(care.client, "monitoring", taken)
    return care


async def _listed_what_we_prescribe(system: System) -> Care:
    """The next list names our prescription at another dose; that build took it for a second medicine."""
    care = await _enrolled(system)
    await care.assess()
    await care.order(SERTRALINE, "50")
    await care.tell(
        care.prescriber,
        "assessment",
        assessment.ReconcileMedicationsRequest(
            medications=[assessment.CurrentMedication(medicine=SERTRALINE, daily_dose_mg="25", source="client")]
        ),
    )
    refused = await care.order(TRAMADOL, "100")
    answers = [
        prescribing.Override(rule=alert.rule, involves=alert.involves, reason="will-monitor", comment="weekly calls")
        for alert in refused.screening.alerts
    ]
    answers += [
        prescribing.Override(rule=f"not-checked:{gap.check}", reason="will-monitor", comment="weekly calls")
        for gap in refused.screening.not_checked
    ]
    tramadol = await care.order(TRAMADOL, "100", *answers)
    ended = prescribing.DiscontinuePrescriptionRequest(prescription_id=tramadol.fact_id, status_reason="sintol")
    await care.tell(care.prescriber, "prescribing", ended)
    return care


async def _declined(system: System) -> Care:
    care = await _enrolled(system, "UTC")
    await care.assess([assessment.CurrentMedication(medicine=PHENELZINE, daily_dose_mg="45", source="client")])
    await care.order(SERTRALINE, "50")
    wrong = await care.tell(
        care.prescriber,
        "assessment",
        assessment.EstablishDiagnosisRequest(
            icd10="F31.9", display="Bipolar disorder", severity="unspecified", verification="provisional"
        ),
    )
    struck = assessment.MarkEnteredInErrorRequest(fact_id=wrong.fact_id, reason="another client's")
    await care.tell(care.prescriber, "assessment", struck)
    return care


async def _ordered_before_the_assessment(system: System) -> Care:
    care = await _enrolled(system)
    for request in (
        assessment.RecordHistoryRequest(nothing_known=True, source="interview"),
        assessment.ReconcileMedicationsRequest(none_taken=True),
        assessment.RecordAllergiesRequest(no_known_allergies=True),
    ):
        await care.tell(care.prescriber, "assessment", request)
    await care.order(SERTRALINE, "50")
    return care


async def _screened_late(system: System) -> Care:
    """Every answer yes, charted 25 hours later: that build took it for old news."""
    care = await _enrolled(system)
    await care.view()
    screener = monitoring.AnswerScaleRequest(instrument="c-ssrs", items=[1] * 7, occurred_at=ago(hours=25))
    await care.tell(care.therapist, "monitoring", screener)
    return care
