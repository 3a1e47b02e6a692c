"""What each event of a notice writes beside itself: what becomes due, what inboxes show, and what others are told."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from careloop.chassis.due.rows import read_detail
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing
from careloop.contracts import notifications as contract
from careloop.contracts import terms
from careloop.contracts.notifications import Addressee, Channel, Priority
from careloop.contracts.terms import Role
from services.notifications.domain import events, noted
from services.notifications.domain.events import TOPICS, Event
from services.notifications.due import (
    ESCALATE,
    HAND_OVER,
    PAGE_AGAIN,
    SEND,
    ToEscalate,
    ToHandOver,
    ToPageAgain,
    ToSend,
    due_rows,
)
from services.notifications.views import inbox_statements
from tests.support.controls import notifications as control
from tests.support.controls.episodes import BEGUN as EPISODE_BEGUN
from tests.support.controls.episodes import ENDED
from tests.support.controls.moments import NOON, PATIENT
from tests.support.controls.notifications import BOTH, DR_OSEI, MAYA, NOTICE, SOON, TOM
from tests.support.histories.restate import published_of

PUBLISHED = published_of("notifications")

Due = tuple[str, datetime, object]
RETRY = SOON + timedelta(seconds=15)
SUPPRESSED = replace(control.DECIDED, suppressed="old-news", acknowledge_by=None)
FIRST_TWO = replace(
    control.DECIDED,
    addressees=(
        Addressee(person=DR_OSEI, role=Role.PSYCHIATRIST, channels=BOTH, step=0),
        Addressee(person=TOM, role=Role.THERAPIST, channels=(Channel.INBOX,), step=0),
        Addressee(person=MAYA, role=Role.CARE_MANAGER, channels=BOTH, step=0),
        Addressee(person="on-call", role=Role.PSYCHIATRIST, channels=BOTH, step=1),
    ),
)
ESCALATED = replace(
    control.ESCALATED, step=2, persons=(MAYA, TOM), acknowledge_by=NOON + timedelta(hours=5), occurred_at=RETRY
)
FINAL = replace(control.FAILED, step=3, attempt=2, final=True, retry_at=None, occurred_at=RETRY)
AGAIN = replace(control.FAILED, person=MAYA, step=3, attempt=2, retry_at=RETRY)


def to_send(person: str, step: int = 0, attempt: int = 1) -> ToSend:
    return ToSend(notice=NOTICE, person=person, channel=Channel.EMAIL, step=step, attempt=attempt)


def to_escalate(step: int, *, unreachable: bool = False) -> ToEscalate:
    return ToEscalate(notice=NOTICE, step=step, unreachable=unreachable)


RESUMES = control.PAGE_AGAIN.at
DETAILS = {SEND: ToSend, ESCALATE: ToEscalate, PAGE_AGAIN: ToPageAgain, HAND_OVER: ToHandOver}
MAKE_DUE = (
    events.NoticeDecided,
    events.NoticeEscalated,
    events.NoticeHandedOver,
    events.NoticeAcknowledged,
    events.NoticePaused,
    events.NoticeFailed,
    noted.TeamNoted,
    noted.ReleaseNoted,
)
BECOMES_DUE: list[tuple[str, Event, list[Due]]] = [
    (
        "a decision: mail for who is told at once, and its clock",
        FIRST_TWO,
        [
            ("send", SOON, to_send(DR_OSEI)),
            ("send", SOON, to_send(MAYA)),
            ("escalate", control.ACKNOWLEDGE_BY, to_escalate(0)),
        ],
    ),
    ("a decision without a clock", replace(control.DECIDED, acknowledge_by=None), [("send", SOON, to_send(DR_OSEI))]),
    ("a suppressed decision", replace(control.DECIDED, suppressed="old-news"), []),
    (
        "an escalation: mail for the next people, and their clock",
        ESCALATED,
        [
            ("send", RETRY, to_send(MAYA, 2)),
            ("send", RETRY, to_send(TOM, 2)),
            ("escalate", NOON + timedelta(hours=5), to_escalate(2)),
        ],
    ),
    (
        "an escalation in the inbox only",
        replace(ESCALATED, channels=(Channel.INBOX,)),
        [("escalate", NOON + timedelta(hours=5), to_escalate(2))],
    ),
    ("the last page", replace(ESCALATED, persons=(MAYA,), acknowledge_by=None), [("send", RETRY, to_send(MAYA, 2))]),
    ("a failure that is tried again", AGAIN, [("send", RETRY, to_send(MAYA, 3, 3))]),
    (
        "a hand-over: mail for who has the role now, while the clock runs on",
        control.HANDED_OVER,
        [("send", SOON, replace(to_send(TOM), notice=control.FOR_ZOE.fact_id))],
    ),
    ("a hand-over in the inbox only", replace(control.HANDED_OVER, channels=(Channel.INBOX,)), []),
    ("an acknowledgement that is enough", control.ACKNOWLEDGED, []),
    (
        "an acknowledgement of what asks for an act",
        control.RISK_TAKEN_ON,
        [
            (
                "page-again",
                control.PAGE_AGAIN.at,
                ToPageAgain(notice=control.PAGE_AGAIN.notice, at=control.PAGE_AGAIN.at),
            )
        ],
    ),
    (
        "an attempt in vain",
        control.PAUSED,
        [("page-again", control.PAUSED.until, ToPageAgain(notice=NOTICE, at=control.PAUSED.until))],
    ),
    ("an assignment from now on", control.PRESCRIBER, []),
    (
        "an assignment to come",
        replace(control.PRESCRIBER, effective_from=NOON),
        [("hand-over", NOON, ToHandOver(vacant=False))],
    ),
    (
        "a release from now on",
        control.PRESCRIBER_RELEASED,
        [("hand-over", NOON + timedelta(minutes=5), ToHandOver(vacant=True))],
    ),
    (
        "a release to come",
        replace(control.PRESCRIBER_RELEASED, effective_from=NOON + timedelta(days=1)),
        [
            ("hand-over", NOON + timedelta(days=1), ToHandOver(vacant=False)),
            ("hand-over", NOON + timedelta(days=1, minutes=5), ToHandOver(vacant=True)),
        ],
    ),
    ("a final failure", FINAL, [("escalate", RETRY, to_escalate(3, unreachable=True))]),
    *((type(one).__name__, one, []) for one in control.EXAMPLES if not isinstance(one, MAKE_DUE)),
]


@pytest.mark.parametrize(("said", "event", "expected"), BECOMES_DUE)
def test_what_becomes_due_by_an_event(said: str, event: Event, expected: list[Due]) -> None:
    rows = list(due_rows(event, PATIENT))
    assert [(row.kind, row.due_at, read_detail(row, DETAILS[row.kind])) for row in rows] == expected
    assert {row.stream_id for row in rows} <= {PATIENT}


def test_the_worker_asks_for_every_kind_that_becomes_due() -> None:
    assert {row.kind for _, event, _ in BECOMES_DUE for row in due_rows(event, PATIENT)} == set(DETAILS)


def test_what_differs_in_anything_is_due_on_its_own_and_the_same_only_once() -> None:
    def ids(*every: Event) -> set[UUID]:
        return {row.due_id for event in every for row in due_rows(event, PATIENT)}

    others: list[dict[str, Any]] = [{"person": TOM}, {"channel": Channel.INBOX}, {"step": 4}, {"attempt": 3}]
    another = control.SAME_DAY.fact_id
    failures = [AGAIN, replace(AGAIN, notice=another), *(replace(AGAIN, **changes) for changes in others)]
    assert len(ids(*failures)) == len(failures)
    finals = [FINAL, replace(FINAL, step=4), replace(FINAL, notice=another)]
    clock = replace(ESCALATED, persons=(), step=3)
    assert len(ids(*finals, clock)) == len(finals) + 1
    assert ids(FINAL) == ids(replace(FINAL, person=TOM, attempt=5))
    assert ids(AGAIN) == ids(replace(AGAIN, retry_at=NOON + timedelta(days=1)))


def test_what_earlier_builds_made_due_and_named_bears_the_same_ids() -> None:
    rows = [row for event in (control.DECIDED, AGAIN, FINAL) for row in due_rows(event, PATIENT)]
    assert [(row.kind, str(row.due_id)) for row in rows] == [
        ("send", "6da64921-b21d-58b1-9f9e-3d0b7e38f863"),
        ("escalate", "bd3752c6-2c7c-5eaf-ab5c-bc5b72f8a4ed"),
        ("send", "ebf7dc38-9366-5f8b-a7c1-8a27b083236a"),
        ("escalate", "dac399ea-fde7-566b-9ec6-c5f443447d14"),
    ]
    assert str(NOTICE) == "0bfba326-ce95-55ec-b508-6342ed723109"
    assert control.ATTEMPTED.message_id == "<9c0f7aac-9f3c-5361-9e87-f22d8f0cb2eb@careloop.invalid>"


Shown = list[tuple[str, tuple[object, ...]]]


def decided_line(urgency: int, *, acknowledge_by: datetime | None, is_open: bool) -> tuple[str, tuple[object, ...]]:
    return "insert into notices", (NOTICE, PATIENT, urgency, SOON, acknowledge_by, is_open)


BY = control.ACKNOWLEDGE_BY
IN_INBOXES: list[tuple[str, Event, Shown]] = [
    (
        "an urgent notice",
        FIRST_TWO,
        [
            decided_line(1, acknowledge_by=BY, is_open=True),
            ("insert into inboxes", ([DR_OSEI, TOM, MAYA], NOTICE)),
        ],
    ),
    (
        "a stat notice by mail only",
        replace(
            control.DECIDED,
            priority=Priority.STAT,
            addressees=tuple(replace(it, channels=(Channel.EMAIL,)) for it in control.DECIDED.addressees),
        ),
        [decided_line(0, acknowledge_by=BY, is_open=True), ("insert into inboxes", ([], NOTICE))],
    ),
    (
        "a routine notice without a clock",
        replace(control.DECIDED, priority=Priority.ROUTINE, acknowledge_by=None),
        [decided_line(2, acknowledge_by=None, is_open=True), ("insert into inboxes", ([DR_OSEI], NOTICE))],
    ),
    (
        "a suppressed notice",
        SUPPRESSED,
        [decided_line(1, acknowledge_by=None, is_open=False), ("insert into inboxes", ([DR_OSEI], NOTICE))],
    ),
    (
        "an escalation",
        ESCALATED,
        [
            ("update notices set step", (NOTICE, 2, NOON + timedelta(hours=5))),
            ("insert into inboxes", ([MAYA, TOM], NOTICE)),
        ],
    ),
    (
        "an escalation by mail only",
        replace(ESCALATED, channels=(Channel.EMAIL,)),
        [("update notices set step", (NOTICE, 2, NOON + timedelta(hours=5)))],
    ),
    (
        "a hand-over",
        control.HANDED_OVER,
        [
            ("delete from inboxes", (control.ZOE, control.FOR_ZOE.fact_id)),
            ("insert into inboxes", ([TOM], control.FOR_ZOE.fact_id)),
        ],
    ),
    (
        "a hand-over by mail only",
        replace(control.HANDED_OVER, channels=(Channel.EMAIL,)),
        [("delete from inboxes", (control.ZOE, control.FOR_ZOE.fact_id))],
    ),
    (
        "an attempt in vain",
        control.PAUSED,
        [("update notices set acknowledge_by", (NOTICE, control.PAUSED.until))],
    ),
    ("an acknowledgement", control.ACKNOWLEDGED, [("update notices set is_open = false", (NOTICE,))]),
    ("a withdrawal", control.WITHDRAWN, [("update notices set is_open = false", (NOTICE,))]),
    ("a mark", control.MARKED, [("update notices set is_open = false", (NOTICE,))]),
    *(
        (type(one).__name__, one, [])
        for one in (
            control.PRESCRIBER,
            control.PRESCRIBER_RELEASED,
            control.CAUSE_STRUCK,
            control.RESOLUTION,
            control.SCREENING,
            control.TIME_ZONE,
            EPISODE_BEGUN,
            ENDED,
            control.SETTLED,
            control.ANSWERED_SAFELY,
            control.ATTEMPTED,
            control.SENT,
            control.FAILED,
        )
    ),
]


@pytest.mark.parametrize(("said", "event", "expected"), IN_INBOXES)
def test_what_the_inboxes_show_of_an_event(said: str, event: Event, expected: Shown) -> None:
    statements = list(inbox_statements(event, PATIENT))
    assert [statement.args for statement in statements] == [args for _, args in expected]
    assert all(one.sql.startswith(words) for one, (words, _) in zip(statements, expected, strict=True))


def test_the_tables_look_at_every_event() -> None:
    tables = ([event for _, event, _ in BECOMES_DUE], [event for _, event, _ in IN_INBOXES])
    assert [{type(event) for event in table} for table in tables] == [set(TOPICS.values())] * 2


TOLD = {
    "NoticeDecided": contract.NoticeDecided,
    "NoticeSent": contract.NoticeSent,
    "NoticeFailed": contract.NoticeFailed,
    "NoticeAcknowledged": contract.NoticeAcknowledged,
    "NoticeEscalated": contract.NoticeEscalated,
    "NoticeHandedOver": contract.NoticeHandedOver,
    "NoticeWithdrawn": contract.NoticeWithdrawn,
    "EnteredInError": terms.EnteredInError,
}
KEPT_BACK = {
    "NoticeDecided": {"kind", "named", "detail", "cause_occurred_at", "sender", "due_at"},
    "NoticeSent": {"step"},
    "NoticeFailed": {"step", "retry_at"},
    "NoticeEscalated": {"channels"},
    "NoticeHandedOver": {"channels", "step"},
}
"""What is clinical, and what only this service needs."""


def test_what_became_of_notices_is_published_and_no_note_is() -> None:
    assert {stored.__name__: told for stored, told in PUBLISHED.items()} == TOLD
    publishing = Publishing("notifications", Codec(TOPICS), PUBLISHED, contract.TYPES)
    assert publishing.published_topics == {f"notifications.{name}.v1" for name in TOLD}


@pytest.mark.parametrize("example", [one for one in control.EXAMPLES if type(one) in PUBLISHED])
def test_every_field_that_others_may_know_is_published(example: Any) -> None:
    told: Any = msgspec.convert(example, PUBLISHED[type(example)], from_attributes=True)
    said, stored = msgspec.to_builtins(told), msgspec.to_builtins(example)
    kept_back = KEPT_BACK.get(type(example).__name__, set())
    assert {field.name for field in fields(example) if getattr(example, field.name) is not UNSET} - kept_back == set(
        said
    )
    assert said == {name: value for name, value in stored.items() if name not in kept_back}
