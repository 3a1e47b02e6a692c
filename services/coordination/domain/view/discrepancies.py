"""Where the newest reconciled list and a prescription in force differ, as the view shows it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.contracts.prescribing import DiscrepancyFound, DiscrepancyKind
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import newest
from services.coordination.domain.view.medications import ACTIVE, Medication, medications
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """`answer_by` is None where its build did not say it; `overdue` once it was said that nobody answered in time."""

    fact_id: FactId
    prescription: FactId
    kind: str
    medicine: Medicine
    prescribed_daily_dose_mg: Decimal | None
    listed_daily_dose_mg: Decimal | None
    listed_stopped_on: date | None
    occurred_at: Instant
    answer_by: Instant | None
    overdue: bool


discrepancy = shown(Discrepancy, DiscrepancyFound, "answer_by", "overdue")


def discrepancies(assessed: AssessmentSection, ordered: PrescribingSection) -> tuple[Discrepancy, ...]:
    """Those of the newest list that nobody answered and that no change of the prescription has settled, by medicine."""
    listed = newest(assessed.medications)
    answered = {k.fact.discrepancy for k in ordered.resolved}
    ours = {one.fact_id: one for one in medications(assessed, ordered).medications if one.source == "prescribed"}
    found = [
        k.fact
        for k in ordered.discrepancies
        if listed is not None and k.fact.listed_in == listed.fact_id and k.fact.fact_id not in answered
    ]
    still = [one for one in found if one.prescription in ours and not _settled(one, ours[one.prescription])]
    late = {k.fact.discrepancy for k in ordered.overdue}
    return tuple(
        discrepancy(one, answer_by=one.answer_by or None, overdue=one.fact_id in late)
        for one in sorted(still, key=lambda one: (one.medicine.name.casefold(), one.fact_id))
    )


def _settled(found: DiscrepancyFound, medication: Medication) -> bool:
    """Whether the prescription has ended, or has the dose of the list by now."""
    if medication.status != ACTIVE:
        return True
    return found.kind == DiscrepancyKind.DOSE and medication.daily_dose_mg == found.listed_daily_dose_mg
