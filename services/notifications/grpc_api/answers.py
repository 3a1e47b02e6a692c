"""Notices in the words of `care.notifications.v1`."""

from typing import Any

from care.notifications.v1 import notifications_pb2 as pb

from careloop.chassis.calls.writing import shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts.notifications import Priority
from services.notifications.application import PatientNotice
from services.notifications.domain.notices import NoticeStatus

PRIORITIES = {
    Priority.STAT: pb.PRIORITY_STAT,
    Priority.URGENT: pb.PRIORITY_URGENT,
    Priority.ROUTINE: pb.PRIORITY_ROUTINE,
}
STATUSES = {
    NoticeStatus.OPEN: pb.NOTICE_STATUS_OPEN,
    NoticeStatus.ACKNOWLEDGED: pb.NOTICE_STATUS_ACKNOWLEDGED,
    NoticeStatus.RESOLVED: pb.NOTICE_STATUS_RESOLVED,
    NoticeStatus.WITHDRAWN: pb.NOTICE_STATUS_WITHDRAWN,
    NoticeStatus.ENTERED_IN_ERROR: pb.NOTICE_STATUS_ENTERED_IN_ERROR,
    NoticeStatus.SUPPRESSED: pb.NOTICE_STATUS_SUPPRESSED,
}


_DECIDED = ("subject", "detail", "cause_type", "cause_recorded_at", "suppressed")
_CURRENT = ("acknowledge_by", "acknowledged_by", "step")
_notice = shown_as(
    pb.Notice,
    PatientNotice,
    *("status", "priority"),
    **{field: f"notice.decided.{field}" for field in _DECIDED},
    **{field: f"notice.{field}" for field in _CURRENT},
    notice_id="notice.decided.fact_id",
    cause_fact_id="notice.decided.cause_fact",
    decided_at="notice.decided.occurred_at",
    told="notice.notified",
)


def notice(of: PatientNotice) -> pb.Notice:
    return _notice(of, status=STATUSES[of.notice.status], priority=PRIORITIES[of.notice.decided.priority])


def acknowledged(done: Done[Any]) -> dict[str, Any]:
    return {"first": bool(done.events)}
