"""What becomes due by which event."""

from dataclasses import replace
from datetime import datetime

from careloop.chassis.due.rows import read_detail
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing
from careloop.chassis.log.protocol import DueRow
from careloop.contracts import notifications as contract
from careloop.contracts.notifications import Channel
from services.notifications.domain.events import TOPICS, Event
from services.notifications.due import SEND, ToEscalate, ToSend, due_rows
from tests.support.controls import notifications as control
from tests.support.controls.moments import PATIENT
from tests.support.controls.notifications import SOON
from tests.support.histories.restate import published_of

PUBLISHED = published_of("notifications")


def due(event: Event) -> list[DueRow]:
    return list(due_rows(event, PATIENT))


def told(rows: list[DueRow]) -> list[tuple[str, datetime, object]]:
    return [(row.kind, row.due_at, read_detail(row, ToSend if row.kind == SEND else ToEscalate)) for row in rows]


def test_a_decision_makes_mail_due_now_and_its_clock_later() -> None:
    assert told(due(control.DECIDED)) == [
        ("send", SOON, ToSend(notice=control.NOTICE, person="dr-osei", channel=Channel.EMAIL, step=0, attempt=1)),
        ("escalate", control.ACKNOWLEDGE_BY, ToEscalate(notice=control.NOTICE, step=0, unreachable=False)),
    ]


def test_what_is_suppressed_makes_nothing_due() -> None:
    assert due(replace(control.DECIDED, suppressed="old-news", acknowledge_by=None)) == []


def test_what_lies_only_in_the_inbox_needs_no_sending() -> None:
    inbox_only = tuple(replace(it, channels=(Channel.INBOX,)) for it in control.DECIDED.addressees)
    assert due(replace(control.DECIDED, addressees=inbox_only, acknowledge_by=None)) == []


def test_the_same_event_makes_the_same_rows() -> None:
    assert due(control.ESCALATED) == due(control.ESCALATED)
    rows = {row for event in control.EXAMPLES for row in due(event)}
    assert len({row.due_id for row in rows}) == len(rows)


def test_the_last_page_has_no_clock() -> None:
    last = control.escalated(4, "on-call", again=False)
    assert [row.kind for row in due(last)] == ["send"]


def test_a_failure_makes_the_next_attempt_due_and_a_final_one_the_next_people() -> None:
    again = ToSend(notice=control.NOTICE, person="dr-osei", channel=Channel.EMAIL, step=0, attempt=2)
    assert told(due(control.FAILED)) == [("send", control.FAILED.retry_at, again)]
    final = replace(control.FAILED, final=True, retry_at=None)
    assert told(due(final)) == [
        ("escalate", SOON, ToEscalate(notice=control.NOTICE, step=0, unreachable=True)),
    ]


def test_what_is_clinical_in_a_notice_is_not_published() -> None:
    publishing = Publishing("notifications", Codec(TOPICS), PUBLISHED, contract.TYPES)
    assert publishing.published_topics == {f"notifications.{cls.__name__}.v1" for cls in PUBLISHED}
    decided = [it for it in control.PUBLISHED_EXAMPLES if isinstance(it, contract.NoticeDecided)]
    assert decided
    assert "rash" not in str(decided)
