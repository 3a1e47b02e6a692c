"""What causes a notice, and the table of who must hear it. Anything not in the table causes none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, UnsetType

from careloop.contracts.notifications import Channel, Priority
from careloop.kernel.ids import EventId, FactId
from services.notifications.domain.codes import CauseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An event of another service that someone must hear of.

    `type` is its name on the wire, `due_at` when a clinician must have looked if the event says so, `named` the person
    it names, `recorded_by` who recorded it, `sender` who wrote it, `detail` what may be read of it inside Careloop.
    `settles` is an earlier fact that asks for nothing more with it.
    """

    event_id: EventId
    fact_id: FactId
    type: str
    kind: CauseKind
    occurred_at: datetime
    recorded_at: datetime
    recorded_by: str
    due_at: datetime | None = None
    named: str = ""
    detail: str = ""
    sender: str | UnsetType = UNSET
    settles: FactId | None = None


class Seat(StrEnum):
    """A place in the care team, as opposed to a person. The prescriber is the one longest in the team."""

    PRESCRIBER = "prescriber"
    OTHER_PRESCRIBERS = "other-prescribers"
    CARE_MANAGER = "care-manager"
    THERAPIST = "therapist"
    PHARMACIST = "pharmacist"
    SUPERVISOR = "supervisor"
    """The psychiatrists of a team in which a nurse practitioner prescribes, where the programme asks for that."""
    WHOLE_TEAM = "whole-team"
    NAMED = "named"
    CLIENT = "client"
    """The client, who is in no team."""


BOTH = (Channel.INBOX, Channel.EMAIL)
INBOX = (Channel.INBOX,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who hears it: the first rung at once, each further rung when the ones before did not acknowledge.

    After the last rung of an `acknowledged` rule comes the on-call person.
    """

    subject: str
    priority: Priority
    rungs: tuple[tuple[Seat, ...], ...]
    channels: tuple[Channel, ...] = BOTH
    acknowledged: bool = True

    @property
    def informs(self) -> bool:
        """Whether it asks nothing of anybody: no answer is awaited, no person was named who waits for it, and no
        pharmacist is to look at it as well."""
        return not self.acknowledged and not any(
            {Seat.NAMED, Seat.CLIENT, Seat.PHARMACIST} & set(rung) for rung in self.rungs
        )


def _for_information(subject: str, *seats: Seat) -> Rule:
    return Rule(subject=subject, priority=Priority.ROUTINE, rungs=(seats,), channels=INBOX, acknowledged=False)


MESSAGES = frozenset({CauseKind.MESSAGE_POSTED, CauseKind.MESSAGE_FROM_CLIENT, CauseKind.MESSAGE_TO_CLIENT})
"""The kinds whose detail is what one person wrote to another."""

RISKS = frozenset({CauseKind.RISK_HIGH, CauseKind.RISK_MODERATE, CauseKind.RISK_LOW, CauseKind.RISK_HISTORY})
"""The kinds that ask for a suicide-risk contact."""

EMERGENCIES = RISKS | {
    CauseKind.RESULT_CRITICAL,
    CauseKind.SIDE_EFFECT_EMERGENCY,
    CauseKind.EMERGENCY_DECLARED,
    CauseKind.CLIENT_WROTE_EMERGENCY,
    CauseKind.RECORDS_WAIT,
}
"""The kinds whose clocks run on when an episode of care is closed."""

ASK_FOR_AN_ACT = RISKS | {CauseKind.SAFETY_ITEM_MISSING}
"""The kinds that end when something was done: to take such a notice on holds the paging for a while. A clinician who
recorded the cause is asked before anybody else is."""

OVER_ALERT = (Seat.PHARMACIST, Seat.SUPERVISOR, Seat.THERAPIST, Seat.CARE_MANAGER)
TABLE: Mapping[CauseKind, Rule] = {
    CauseKind.RISK_HIGH: Rule(
        subject="High suicide risk: contact the client now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.THERAPIST,), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.RISK_MODERATE: Rule(
        subject="Moderate suicide risk: contact the client",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), (Seat.THERAPIST, Seat.OTHER_PRESCRIBERS)),
    ),
    CauseKind.RISK_LOW: Rule(
        subject="An answer asks for a suicide-risk contact",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.RISK_HISTORY: Rule(
        subject="Earlier suicidal behaviour: say how high the risk is",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.SAFETY_ITEM_MISSING: Rule(
        subject="A question about safety was left blank: ask the client today",
        priority=Priority.URGENT,
        rungs=((Seat.CARE_MANAGER,), (Seat.THERAPIST,), (Seat.PRESCRIBER,)),
    ),
    CauseKind.SIDE_EFFECT_EMERGENCY: Rule(
        subject="Side effect: emergency, act now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.OTHER_PRESCRIBERS, Seat.THERAPIST)),
    ),
    CauseKind.SIDE_EFFECT_SAME_DAY: Rule(
        subject="Side effect to be looked at today",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.SIDE_EFFECT_WITHIN_72_HOURS: Rule(
        subject="Side effect to be looked at within 72 hours",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.CLIENT_WROTE_EMERGENCY: Rule(
        subject="The client wrote of an emergency: contact them now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER, Seat.NAMED), (Seat.OTHER_PRESCRIBERS, Seat.THERAPIST)),
    ),
    CauseKind.CLIENT_WROTE_SAME_DAY: Rule(
        subject="What the client wrote is to be answered today",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER, Seat.NAMED), (Seat.CARE_MANAGER,), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.CLIENT_WROTE_WITHIN_72_HOURS: Rule(
        subject="What the client wrote is to be answered within 72 hours",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER, Seat.NAMED), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.CLIENT_WROTE_NOT_UNDERSTOOD: Rule(
        subject="Only a person can tell what the client means: read it today",
        priority=Priority.ROUTINE,
        rungs=((Seat.NAMED,), (Seat.CARE_MANAGER,), (Seat.PRESCRIBER,)),
    ),
    CauseKind.RECORDS_WAIT: Rule(
        subject="Something urgent was recorded and could not be processed: look at the client now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.OTHER_PRESCRIBERS, Seat.THERAPIST)),
    ),
    CauseKind.EMERGENCY_DECLARED: Rule(
        subject="The client took too much: act now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.OTHER_PRESCRIBERS, Seat.THERAPIST)),
    ),
    CauseKind.EXTRA_DOSE: Rule(
        subject="An extra dose of what is dangerous in overdose: to be looked at today",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.DEATH_RECORDED: Rule(
        subject="The client was recorded as deceased: confirm it, tell the team, and close what is open",
        priority=Priority.ROUTINE,
        rungs=((Seat.CARE_MANAGER, Seat.PRESCRIBER), (Seat.OTHER_PRESCRIBERS, Seat.THERAPIST)),
    ),
    CauseKind.CARING_CONTACT: Rule(
        subject="A client left while at risk: ask how they are",
        priority=Priority.ROUTINE,
        rungs=((Seat.CARE_MANAGER,), (Seat.PRESCRIBER,), (Seat.THERAPIST, Seat.OTHER_PRESCRIBERS)),
    ),
    CauseKind.RESULT_CRITICAL: Rule(
        subject="A result demands that a drug is held or stopped: act now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER, Seat.OTHER_PRESCRIBERS)),
    ),
    CauseKind.RESULT_HIGH: Rule(
        subject="A result to act on today",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.OTHER_PRESCRIBERS,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.RESULT_TO_LOOK_AT: Rule(
        subject="A result to look at",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.SIDE_EFFECT_NEXT_VISIT: _for_information("Side effect for the next visit", Seat.PRESCRIBER),
    CauseKind.PRESCRIPTION_DECLINED: _for_information("An order was declined by the safety check", Seat.NAMED),
    CauseKind.PRESCRIPTION_ISSUED: _for_information("A prescription was issued", Seat.THERAPIST, Seat.CARE_MANAGER),
    CauseKind.PRESCRIPTION_ISSUED_OVER_ALERT: _for_information(
        "A prescription was issued over a high alert", *OVER_ALERT
    ),
    CauseKind.DOSE_CHANGED_OVER_ALERT: _for_information("A dose was changed over a high alert", *OVER_ALERT),
    CauseKind.DOSE_CHANGED: _for_information("A dose was changed", Seat.THERAPIST, Seat.CARE_MANAGER),
    CauseKind.PRESCRIPTION_DISCONTINUED: _for_information(
        "A prescription was discontinued", Seat.THERAPIST, Seat.CARE_MANAGER
    ),
    CauseKind.DISCREPANCY_FOUND: Rule(
        subject="The client's list differs from a prescription",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
    ),
    CauseKind.DISCREPANCY_OVERDUE: Rule(
        subject="Nobody answered that the client's list differs from a prescription: answer it today",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER, Seat.OTHER_PRESCRIBERS)),
    ),
    CauseKind.CONCERN_CONTRAINDICATED: Rule(
        subject="What the client takes is contraindicated now",
        priority=Priority.STAT,
        rungs=((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.OTHER_PRESCRIBERS, Seat.PHARMACIST)),
    ),
    CauseKind.CONCERN_HIGH: Rule(
        subject="A high alert against what the client takes",
        priority=Priority.URGENT,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.CONCERN_LISTED: Rule(
        subject="A high alert against what the client takes",
        priority=Priority.URGENT,
        rungs=((Seat.CARE_MANAGER, Seat.PRESCRIBER), (Seat.OTHER_PRESCRIBERS,)),
    ),
    CauseKind.CONCERN_MODERATE: Rule(
        subject="An alert against what the client takes",
        priority=Priority.ROUTINE,
        rungs=((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,)),
        channels=INBOX,
    ),
    CauseKind.PLAN_SIGNED: _for_information("A dose plan was signed", Seat.THERAPIST, Seat.CARE_MANAGER),
    CauseKind.STEP_DUE: _for_information(
        "A step of a dose plan is due: without a confirmation it does not happen", Seat.NAMED
    ),
    CauseKind.STEP_OVERDUE: Rule(
        subject="A step of a dose plan was not confirmed: the dose before goes on",
        priority=Priority.ROUTINE,
        rungs=((Seat.NAMED,), (Seat.CARE_MANAGER,)),
        channels=INBOX,
    ),
    CauseKind.STEP_DECLINED: _for_information("A step of a dose plan was declined", Seat.NAMED),
    CauseKind.STEP_HELD: _for_information("A step of a dose plan waits", Seat.THERAPIST, Seat.CARE_MANAGER),
    CauseKind.STEP_HELD_BY_CLIENT: Rule(
        subject="The client holds a step of their dose plan: hear today why",
        priority=Priority.URGENT,
        rungs=((Seat.NAMED,), (Seat.CARE_MANAGER,), (Seat.PRESCRIBER, Seat.OTHER_PRESCRIBERS)),
    ),
    CauseKind.STEP_CHANGED: _for_information(
        "A step of a dose plan has another day", Seat.THERAPIST, Seat.CARE_MANAGER
    ),
    CauseKind.STEP_CONFIRMED: _for_information("Your medicine changes as planned", Seat.CLIENT),
    CauseKind.PLAN_ENDED: _for_information("A dose plan ended", Seat.THERAPIST, Seat.CARE_MANAGER),
    CauseKind.ASSESSMENT_COMPLETED: _for_information("The initial assessment is complete", Seat.WHOLE_TEAM),
    CauseKind.PLAN_CHANGED: _for_information("The plan was changed", Seat.WHOLE_TEAM),
    CauseKind.MESSAGE_POSTED: _for_information("A message from a colleague", Seat.NAMED),
    CauseKind.MESSAGE_FROM_CLIENT: _for_information("A message from the client", Seat.NAMED),
    CauseKind.MESSAGE_TO_CLIENT: _for_information("A message from your care team", Seat.CLIENT),
}
