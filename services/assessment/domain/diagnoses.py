"""Diagnoses in ICD-10-CM."""

import re
from dataclasses import dataclass

from careloop.contracts.assessment import Code, DiagnosisEstablished, Name, Severity, VerificationStatus
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment

ICD_10_CM = re.compile(r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?")
"""Three characters, then after a dot up to four more (ICD-10-CM Official Guidelines, section I.A.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstablishDiagnosis(FactCommand):
    """`icd10` is an ICD-10-CM code with its dot, such as F33.1."""

    icd10: Code
    display: Name = ""
    severity: Severity
    verification: VerificationStatus


established = fact(DiagnosisEstablished, EstablishDiagnosis)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def establish_diagnosis(command: EstablishDiagnosis, state: Assessment) -> list[Event]:
    """A coded diagnosis. Raises InvalidInput for what is not written as an ICD-10-CM code."""
    if not ICD_10_CM.fullmatch(command.icd10):
        raise InvalidInput("not-icd-10-cm", "icd10 must be an ICD-10-CM code such as F33.1.", field="icd10")
    return [established(command)]
