"""Recording what is known of a client, before and after the assessment is complete."""

import re

from careloop.kernel.errors import InvalidInput
from careloop.kernel.events import require_past
from services.assessment.domain.commands import (
    EstablishDiagnosis,
    FactCommand,
    ProposePlan,
    ReconcileMedications,
    RecordAllergies,
    RecordHistory,
    RecordPregnancy,
    RecordResults,
)
from services.assessment.domain.enrolment import require_enrolled
from services.assessment.domain.events import (
    AllergiesRecorded,
    CurrentMedication,
    DiagnosisEstablished,
    Event,
    HistoryRecorded,
    MedicationsReconciled,
    PlanProposed,
    PregnancyRecorded,
    ResultsRecorded,
)
from services.assessment.domain.state import Assessment

LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
"""A number and its check digit."""
ICD_10_CM = re.compile(r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?")
"""Three characters, then after a dot up to four more (ICD-10-CM Official Guidelines, section I.A.2)."""


def is_new(command: FactCommand, state: Assessment) -> bool:
    """Whether the fact is still to be recorded. Raises RuleViolated if the client is not enrolled, InvalidInput for
    a fact from the future."""
    if state.knows(command.fact_id):
        return False
    require_enrolled(state)
    require_past(command.occurred_at, command.now)
    return True


def _require_said(listed: bool, said_none: bool, list_field: str, flag_field: str) -> None:
    """An empty list may mean "not asked": that there is none must be said, and only when nothing is listed."""
    if listed and said_none:
        sentence = f"{flag_field} may not be set when {list_field} are listed."
        raise InvalidInput("both-some-and-none", sentence, field=flag_field)
    if not listed and not said_none:
        sentence = f"Give {list_field}, or say with {flag_field} that there are none."
        raise InvalidInput("none-not-said", sentence, field=list_field)


def record_history(command: RecordHistory, state: Assessment) -> list[Event]:
    """Adds to the history. Raises InvalidInput for an empty one that was not said to be empty."""
    if not is_new(command, state):
        return []
    listed = bool(command.conditions or command.earlier_treatments)
    _require_said(listed, command.nothing_known, "conditions", "nothing_known")
    return [
        HistoryRecorded(
            fact_id=command.fact_id,
            conditions=command.conditions,
            earlier_treatments=command.earlier_treatments,
            source=command.source,
            nothing_known=command.nothing_known,
            occurred_at=command.occurred_at,
        )
    ]


def reconcile_medications(command: ReconcileMedications, state: Assessment) -> list[Event]:
    """The whole medication list. Raises InvalidInput when none are listed and that was not said, or both, or when a
    medication stopped before it started."""
    if not is_new(command, state):
        return []
    _require_said(bool(command.medications), command.none_taken, "medications", "none_taken")
    for index, medication in enumerate(command.medications):
        _require_ordered(medication, f"medications[{index}].stopped_on")
    return [
        MedicationsReconciled(
            fact_id=command.fact_id,
            medications=command.medications,
            none_taken=command.none_taken,
            occurred_at=command.occurred_at,
        )
    ]


def _require_ordered(medication: CurrentMedication, field: str) -> None:
    started, stopped = medication.started_on, medication.stopped_on
    if started is not None and stopped is not None and stopped < started:
        raise InvalidInput("stopped-before-started", f"{field} may not lie before started_on.", field=field)


def record_allergies(command: RecordAllergies, state: Assessment) -> list[Event]:
    """The whole allergy list. Raises InvalidInput when none are listed and that was not said, or both."""
    if not is_new(command, state):
        return []
    _require_said(bool(command.allergies), command.no_known_allergies, "allergies", "no_known_allergies")
    return [
        AllergiesRecorded(
            fact_id=command.fact_id,
            allergies=command.allergies,
            no_known_allergies=command.no_known_allergies,
            occurred_at=command.occurred_at,
        )
    ]


def record_pregnancy(command: RecordPregnancy, state: Assessment) -> list[Event]:
    """Whether the client is pregnant or breastfeeding."""
    if not is_new(command, state):
        return []
    return [
        PregnancyRecorded(
            fact_id=command.fact_id, status=command.status, source=command.source, occurred_at=command.occurred_at
        )
    ]


def record_results(command: RecordResults, state: Assessment) -> list[Event]:
    """Adds results. Raises InvalidInput when none are listed and that was not said, or both, for a code that is not
    LOINC's and for a result of a day to come."""
    if not is_new(command, state):
        return []
    _require_said(bool(command.results), command.none_known, "results", "none_known")
    for index, result in enumerate(command.results):
        if not LOINC.fullmatch(result.loinc):
            raise InvalidInput(
                "not-loinc", "loinc must be a LOINC code such as 2160-0.", field=f"results[{index}].loinc"
            )
        if result.on > command.now.date():
            raise InvalidInput("in-the-future", "on may not lie in the future.", field=f"results[{index}].on")
    return [
        ResultsRecorded(
            fact_id=command.fact_id,
            results=command.results,
            none_known=command.none_known,
            source=command.source,
            occurred_at=command.occurred_at,
        )
    ]


def establish_diagnosis(command: EstablishDiagnosis, state: Assessment) -> list[Event]:
    """A coded diagnosis. Raises InvalidInput for what is not written as an ICD-10-CM code."""
    if not is_new(command, state):
        return []
    if not ICD_10_CM.fullmatch(command.icd10):
        raise InvalidInput("not-icd-10-cm", "icd10 must be an ICD-10-CM code such as F33.1.", field="icd10")
    return [
        DiagnosisEstablished(
            fact_id=command.fact_id,
            icd10=command.icd10,
            display=command.display,
            severity=command.severity,
            verification=command.verification,
            occurred_at=command.occurred_at,
        )
    ]


def propose_plan(command: ProposePlan, state: Assessment) -> list[Event]:
    """A plan that replaces the earlier one. Raises InvalidInput for a plan without medication and without therapy."""
    if not is_new(command, state):
        return []
    if not command.plan.medications and not command.plan.therapies:
        raise InvalidInput("plan-empty", "plan needs at least one medication or therapy.", field="plan")
    return [PlanProposed(fact_id=command.fact_id, plan=command.plan, occurred_at=command.occurred_at)]
