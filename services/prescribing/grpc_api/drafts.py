"""Drafted dose plans in the words of `care.prescribing.v1`."""

from collections.abc import Sequence

from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls.writing import shown_as
from careloop.knowledge.dosing.checker.findings import PlanCheck
from careloop.knowledge.dosing.planner.asking import Plan
from services.prescribing.domain.dose_plans import Draft

LEGAL = {True: "legal", False: "illegal", None: "not-checked"}
_OF_CHECK = ("legal", "violations", "to_answer", "notes", "not_checked")
_plan = shown_as(
    pb.DraftDosePlanResponse,
    Plan,
    *(*_OF_CHECK, "evidence"),
    knowledge_pack="knowledge.pack",
    knowledge_version="knowledge.version",
    knowledge_digest="knowledge.digest",
)
_not_of_check = [field.name for field in pb.DraftDosePlanResponse.DESCRIPTOR.fields if field.name not in _OF_CHECK[1:]]
_check = shown_as(pb.DraftDosePlanResponse, PlanCheck, *_not_of_check)


def draft_message(draft: Draft, evidence: Sequence[common_pb2.Freshness]) -> pb.DraftDosePlanResponse:
    """The proposal with what the checker says of it."""
    told = _plan(draft.plan, evidence=list(evidence))
    if draft.check is not None:
        told.MergeFrom(_check(draft.check, legal=LEGAL[draft.check.legal]))
    return told
