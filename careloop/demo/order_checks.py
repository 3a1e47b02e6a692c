"""What the safety check said of the demo's orders: explained, counted, and asked again on the evidence of then."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.cli.calling.client import Services
from careloop.cli.calling.past_decisions import answered_by, answered_then
from careloop.cli.commands.decisions import decision_lines, read_decisions
from careloop.cli.commands.replay_decisions import past_decisions
from careloop.demo.verdict import Check, same_bytes
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.coverage import coverage

WITHIN_SECONDS = 60.0
CHECKS_SHOWN = 3


async def every_decision(services: Services) -> list[pb.PastDecision]:
    """Every order of the demo so far. Raises CallRefused."""
    return [decision async for decision in past_decisions(services, WITHIN_SECONDS)]


async def explanation(services: Services, patient: UUID) -> str:
    """The patient's orders with what spoke against each and why. Raises CallRefused."""
    return "\n".join(line for decision in await read_decisions(services, patient) for line in decision_lines(decision))


def covered(decisions: Sequence[pb.PastDecision]) -> str:
    """How many orders were checked in full, and what kept the others from it."""
    found = coverage(answered_then(decision) for decision in decisions)
    share = f"{found.fully_checked / found.orders:.0%}" if found.orders else "none"
    counts = f"{found.orders} orders: {found.fully_checked} checked in full ({share}), {found.clear} of them clear; "
    gaps: dict[str, list[str]] = {}
    for gap in found.missing:
        gaps.setdefault(gap.reason, []).append(f"{gap.check} in {gap.orders}")
    lines = [f"  {reason}: {_shortened(checks)}" for reason, checks in gaps.items()]
    return "\n".join([f"{counts}{found.with_alerts} with alerts. Not checked, because of", *lines])


def _shortened(checks: Sequence[str]) -> str:
    more = len(checks) - CHECKS_SHOWN
    return ", ".join([*checks[:CHECKS_SHOWN], *([f"and {more} more checks"] if more > 0 else [])])


def same_again(decisions: Sequence[pb.PastDecision]) -> Check:
    """Every past order, checked again on the evidence known then, is answered as it was."""
    answers = [(answered_then(decision), answered_by(decision, current_pack())) for decision in decisions]
    pairs = [(msgspec.json.encode(then), msgspec.json.encode(again)) for then, again in answers]
    return same_bytes("prescribing: orders checked again = as decided", pairs)
