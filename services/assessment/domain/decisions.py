"""Every command of assessment, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.assessment.domain.allergies import add_allergy, record_allergies
from services.assessment.domain.caring_contacts import ask_for_contact
from services.assessment.domain.completion import amend, complete
from services.assessment.domain.deaths import confirm_death
from services.assessment.domain.diagnoses import establish_diagnosis
from services.assessment.domain.enrolment import enroll
from services.assessment.domain.entered_in_error import mark_entered_in_error
from services.assessment.domain.episodes import close_episode
from services.assessment.domain.events import Event
from services.assessment.domain.genotypes import record_genotypes
from services.assessment.domain.history import record_history
from services.assessment.domain.list_gaps import record_list_gaps
from services.assessment.domain.medications import add_medication, reconcile_medications
from services.assessment.domain.plans import add_to_plan, propose_plan
from services.assessment.domain.pregnancy import record_pregnancy
from services.assessment.domain.results import record_results
from services.assessment.domain.scales import answer_scale, record_scale_total
from services.assessment.domain.smoking import record_smoking
from services.assessment.domain.state import Assessment

DECISIONS: Decisions[Assessment, Event] = Decisions(
    enroll,
    record_history,
    reconcile_medications,
    add_medication,
    record_allergies,
    add_allergy,
    record_list_gaps,
    record_pregnancy,
    record_results,
    record_genotypes,
    record_smoking,
    answer_scale,
    record_scale_total,
    establish_diagnosis,
    propose_plan,
    add_to_plan,
    complete,
    amend,
    close_episode,
    confirm_death,
    mark_entered_in_error,
)
"""What people ask for."""

OWN_DECISIONS: Decisions[Assessment, Event] = Decisions(ask_for_contact)
"""What the service decides of itself, when the time has come."""
