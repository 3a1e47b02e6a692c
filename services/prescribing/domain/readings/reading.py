"""What a reading makes of a chart."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from careloop.contracts.prescribing import Order, Override
from careloop.kernel.ids import FactId
from careloop.knowledge import chart as known
from careloop.knowledge.findings import NotChecked, Screening
from careloop.knowledge.screening.question import Question
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An order to be decided on a chart, as of a day; `changing` is the prescription whose dose it changes, if any."""

    chart: PrescriptionChart
    order: Order
    as_of: date
    changing: FactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a chart. All of it is pure.

    `patient_chart` is what the check is asked on, and `ordered` what it is asked about. `not_recorded` are the checks
    that nobody gave the evidence for, however fresh it is. `reasons` says why an answer of the check, with what was
    answered to it, may not become a prescription, worst first.
    """

    number: int
    patient_chart: Callable[[Asking], known.Chart]
    ordered: Callable[[Asking], known.OrderedMedicine]
    not_recorded: Callable[[Asking], tuple[NotChecked, ...]]
    reasons: Callable[[Asking, Screening, tuple[Override, ...]], tuple[str, ...]]

    def question(self, asking: Asking) -> Question:
        """All that the check is asked, as one object."""
        read = self.patient_chart(asking)
        return Question(
            as_of=asking.as_of,
            order=self.ordered(asking),
            patient=read.patient,
            medications=read.medications,
            trials=read.trials,
        )
