"""What was read of each person, on its way to be sent."""

from dataclasses import dataclass
from datetime import datetime

from careloop.intake.charts import AssessmentRequest, UnderstoodChart
from careloop.intake.uniting import unite
from careloop.kernel.ids import PatientId


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """One person's chart, and when it was read."""

    chart: UnderstoodChart
    now: datetime

    @property
    def patient(self) -> PatientId:
        """The id of whom is not known yet."""
        return self.chart.own_ids[0]

    @property
    def requests(self) -> tuple[AssessmentRequest, ...]:
        """What is sent of somebody who is not known yet, the enrolment first."""
        return self.chart.requests(self.patient, self.now)


def one_a_person(found: list[PatientFacts]) -> tuple[list[PatientFacts], list[PatientFacts]]:
    """The facts of all bundles and files of a run, each person's together; and those of which an id is another
    person's too, of whom nothing may be sent."""
    nows = {id(facts.chart): facts.now for facts in found}
    united = unite([facts.chart for facts in found])
    charts, clashing = ([PatientFacts(one, nows[id(one)]) for one in some] for some in (united.charts, united.clashing))
    return charts, clashing
