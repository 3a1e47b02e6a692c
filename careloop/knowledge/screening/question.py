"""What the safety check is asked, as one object: an order, and the chart as far as it is known."""

from dataclasses import dataclass, field
from datetime import date

from careloop.knowledge.chart import Chart, Medication, OrderedMedicine, Patient, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One input object. Without `as_of` the check is made as of today (UTC)."""

    order: OrderedMedicine
    as_of: date | None = None
    patient: Patient = field(default_factory=Patient)
    medications: tuple[Medication, ...] | None = None
    trials: tuple[Trial, ...] | None = None


def chart_of(question: Question) -> Chart:
    return Chart(patient=question.patient, medications=question.medications, trials=question.trials)
