"""`careloop decisions`: the orders decided for a patient, each with the explanation of what spoke against it."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub
from rich.console import Console

from careloop.cli.calling.client import Addresses, AsJson, Caller, Deadline, Home, Services, Token, run, services
from careloop.cli.calling.past_decisions import answered_then, explained
from careloop.cli.terminal.tables import console, print_json
from careloop.contracts.terms import Role
from careloop.knowledge.findings import without_notes

PRESCRIBING = "prescribing"
DIGEST_SHOWN = len("sha256:") + 12
PHARMACIST = Caller(role=Role.PHARMACIST, subject="careloop-decisions")


def decisions(  # noqa: PLR0917 - typer hands every option over by name
    patient: Annotated[UUID, typer.Argument(help="The patient's id.")],
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 10,
    as_json: AsJson = False,
) -> None:
    """The orders decided for a patient, oldest first: what alerted, why, on which facts, what to do, and the source.

    The evidence is that of the decision, whatever became known since. Exits 0, 1 when prescribing refuses or does not
    answer, 2 for wrong use.
    """
    read = run(_read(services(home, address, token, deadline), patient))
    if as_json:
        print_json([_as_json_form(decision) for decision in read])
        return
    out = console()
    for decision in read:
        print_decision(decision, out)


async def _read(opened: Services, patient: UUID) -> list[pb.PastDecision]:
    async with opened:
        return await read_decisions(opened, patient)


async def read_decisions(opened: Services, patient: UUID) -> list[pb.PastDecision]:
    """Every order decided for the patient, oldest first. Raises CallRefused."""
    stub = PrescribingServiceStub(opened.channel(PRESCRIBING))
    request = pb.GetDecisionsRequest(patient_id=str(patient))
    answer = await opened.ask(PRESCRIBING, stub.GetDecisions, request, PHARMACIST)
    return list(answer.decisions)


def print_decision(decision: pb.PastDecision, out: Console) -> None:
    """The decision in lines for people."""
    for line in decision_lines(decision):
        out.print(line, markup=False, soft_wrap=True)


def decision_lines(decision: pb.PastDecision) -> list[str]:
    """What was ordered, what became of it, and every alert and gap explained."""
    return [*_head(decision), *_alerts(decision), *_gaps(decision)]


def _head(decision: pb.PastDecision) -> list[str]:
    order, knowledge = decision.order, answered_then(decision).knowledge
    dose = f"{order.daily_dose_mg} mg a day" if order.daily_dose_mg else "dose not told"
    became = ", ".join((decision.decision, *decision.reasons, *["entered in error since"] * decision.entered_in_error))
    return [
        f"{decision.recorded_at.ToDatetime(UTC):%Y-%m-%d} {order.medicine.name}, {dose}: {became}",
        f"  checked by {knowledge.pack} {knowledge.version}, {knowledge.digest[:DIGEST_SHOWN]}",
    ]


def _alerts(decision: pb.PastDecision) -> Iterator[str]:
    for one in explained(decision):
        alert, reviewed = one.alert, "reviewed" if one.alert.reviewed else "not reviewed"
        sections = (
            ("why", one.why.mechanism),
            ("here", "; ".join(one.why.evidence)),
            ("do", alert.action),
            ("source", f"{alert.source}, {reviewed}"),
            ("gone on with", one.answered),
        )
        yield f"  {alert.severity}: {alert.message} [{alert.rule} version {alert.version}]"
        yield from (f"    {what}: {text}" for what, text in sections if text)


def _gaps(decision: pb.PastDecision) -> Iterator[str]:
    """What was not checked, one line a reason; notes are left out."""
    answered = {override.rule: override.reason for override in decision.overrides}
    checks: dict[str, list[str]] = {}
    for gap in without_notes(answered_then(decision).not_checked):
        reason = answered.get(f"not-checked:{gap.check}")
        about = f" ({gap.subject})" if gap.subject else ""
        checks.setdefault(f"{gap.reason}{about}{f'; gone on with: {reason}' if reason else ''}", []).append(gap.check)
    return (f"  not checked: {', '.join(found)}: {why}" for why, found in checks.items())


def _as_json_form(decision: pb.PastDecision) -> dict[str, Any]:
    then = answered_then(decision)
    return {
        "fact_id": decision.fact_id,
        "decision": decision.decision,
        "recorded_at": decision.recorded_at.ToDatetime(UTC).isoformat(),
        "medicine": decision.order.medicine.name,
        "daily_dose_mg": decision.order.daily_dose_mg or None,
        "entered_in_error": decision.entered_in_error,
        "reasons": list(decision.reasons),
        "knowledge": asdict(then.knowledge),
        "alerts": [
            asdict(one.alert) | asdict(one.why) | {"answered": one.answered or None} for one in explained(decision)
        ],
        "not_checked": [msgspec.to_builtins(gap) for gap in then.not_checked],
    }
