"""Notices in the words of `care.notifications.v1`."""

from care.notifications.v1 import notifications_pb2 as pb

from careloop.chassis.calls import reading as fields
from services.notifications.application import PatientNotice
from services.notifications.domain.codes import Priority
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


def notice(of: PatientNotice) -> pb.Notice:
    current, decided = of.notice, of.notice.decided
    return pb.Notice(
        notice_id=str(decided.fact_id),
        patient_id=str(of.patient_id),
        status=STATUSES[current.status],
        priority=PRIORITIES[decided.priority],
        subject=decided.subject,
        detail=decided.detail,
        cause_fact_id=str(decided.cause_fact),
        cause_type=decided.cause_type,
        cause_recorded_at=fields.timestamp(decided.cause_recorded_at),
        decided_at=fields.timestamp(decided.occurred_at),
        acknowledge_by=fields.timestamp(current.acknowledge_by),
        acknowledged_by=current.acknowledged_by,
        told=current.notified,
        step=current.step,
        suppressed=decided.suppressed,
    )
