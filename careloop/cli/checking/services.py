"""The services: do they answer, are they ready, of one release, and does everything move."""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc.aio
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1.operations_pb2_grpc import OperationsServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from careloop.cli.calling.client import Caller, CallRefused, Services
from careloop.cli.checking.addresses import is_local
from careloop.cli.checking.findings import Finding, Topic
from careloop.contracts.terms import Role

GROUP = "services"
OPERATOR = Caller(role=Role.OPERATOR, subject="careloop-check")
SKEW_SECONDS = 1.0
OVERDUE_SECONDS = 120.0
"""What is due is claimed at once and tried under a lease of a minute; beyond two, nobody works on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A service's answer, and our clock when it was asked and when it came."""

    status: wire.GetStatusResponse
    ready: bool
    sent_at: datetime
    came_at: datetime


async def look(opened: Services, names: Sequence[str], max_lag: float) -> list[Finding]:
    """Every service is asked at once. Never raises for what one does or does not answer."""
    async with opened:
        answers = await asyncio.gather(*(_ask(opened, name) for name in names))
    findings: list[Finding] = []
    versions: dict[str, str] = {}
    for name, answer in zip(names, answers, strict=True):
        about = Topic(GROUP, name)
        if isinstance(answer, CallRefused):
            findings.append(_refused(about, answer))
            continue
        versions[name] = answer.status.version
        findings += [*judge(about, answer, max_lag), _encrypted(about, opened, name)]
    return [*findings, *judge_versions(versions)]


async def _ask(opened: Services, name: str) -> Asked | CallRefused:
    try:
        method = OperationsServiceStub(opened.channel(name)).GetStatus
        sent_at = opened.clock()
        status = await opened.ask(name, method, wire.GetStatusRequest(), OPERATOR)
        came_at = opened.clock()
        return Asked(status=status, ready=await _ready(opened, name), sent_at=sent_at, came_at=came_at)
    except CallRefused as refusal:
        return refusal


async def _ready(opened: Services, name: str) -> bool:
    stub: Any = health_pb2_grpc.HealthStub(opened.channel(name))
    request = health_pb2.HealthCheckRequest(service="readiness")
    give_up = time.monotonic() + opened.deadline
    try:
        answer = await stub.Check(request, timeout=max(0.1, give_up - time.monotonic()))
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _refused(about: Topic, refusal: CallRefused) -> Finding:
    if refusal.code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        fix = "give --token one of role `operator`, signed by a key of CARELOOP_TOKEN_KEYS_FILE and not expired"
        return about.failure("service-answers", f"it does not admit this caller: {refusal.sentence}", fix)
    fix = "see that it runs and that its address is right; its log says why it ended"
    return about.failure("service-answers", refusal.sentence, fix)


def judge(about: Topic, asked: Asked, max_lag: float) -> Iterator[Finding]:
    """What one service's answer comes to; what lags more than `max_lag` seconds is behind."""
    status = asked.status
    yield about.ok("service-answers", "it answers")
    yield _readiness(about, asked.ready)
    yield _clock(about, asked)
    yield _broker(about, status)
    yield _relay(about, status, max_lag)
    yield from _consumers(about, status, max_lag)
    yield _parked(about, status)
    yield _overdue(about, status)


def _readiness(about: Topic, ready: bool) -> Finding:
    if ready:
        return about.ok("service-ready", "it is ready")
    fix = "see the database checks: it is away, not durable, or its schema is older than needed (`careloop migrate`)"
    return about.failure("service-ready", "it takes no calls: it is not ready", fix)


def _clock(about: Topic, asked: Asked) -> Finding:
    if not asked.status.HasField("now"):
        return about.unknown("service-clock", "it does not say its time", "it is of an older release: upgrade it")
    theirs = asked.status.now.ToDatetime(UTC)
    skew = max((asked.sent_at - theirs).total_seconds(), (theirs - asked.came_at).total_seconds(), 0.0)
    if skew <= SKEW_SECONDS:
        return about.ok("service-clock", f"its clock is within {SKEW_SECONDS:g} s of this one")
    fix = "see that both machines take their time from NTP: tokens are refused and facts dated wrongly"
    return about.failure("service-clock", f"its clock is {skew:.1f} s off this one", fix)


def _broker(about: Topic, status: wire.GetStatusResponse) -> Finding:
    if status.broker == wire.BROKER_STATE_CONNECTED:
        return about.ok("service-broker", "it reaches Kafka")
    fix = "see the Kafka checks, and its log for `relay interrupted`; commands are accepted meanwhile"
    return about.failure("service-broker", "it does not reach Kafka: nothing is published or consumed", fix)


def _relay(about: Topic, status: wire.GetStatusResponse, max_lag: float) -> Finding:
    if status.relay_lag_seconds <= max_lag:
        return about.ok("relay", "what was recorded was published")
    fix = "look for `relay interrupted` in its log; see docs/runbooks/CareloopRelayStuck.md"
    sentence = f"its oldest unpublished fact is {status.relay_lag_seconds:.0f} s old"
    return about.failure("relay", sentence, fix)


def _consumers(about: Topic, status: wire.GetStatusResponse, max_lag: float) -> Iterator[Finding]:
    worst: dict[tuple[str, str], float | None] = {}
    for one in status.consumers:
        key = (one.consumer, one.source)
        lag = one.lag_seconds if one.HasField("lag_seconds") else None
        known = worst.get(key, 0.0)
        worst[key] = None if lag is None or known is None else max(known, lag)
    for (consumer, source), lag in worst.items():
        of = Topic(GROUP, f"{about.about}: {consumer} from {source}")
        if lag is None:
            fix = f"see that {source} runs and reaches Kafka: it says on care.heads.v1 how far it is"
            yield of.failure("consumer", "nothing is known of its source, so its evidence counts as stale", fix)
        elif lag > max_lag:
            yield of.failure("consumer", f"{lag:.0f} s behind", "see docs/runbooks/CareloopConsumerLagging.md")
        else:
            yield of.ok("consumer", "it keeps up")


def _parked(about: Topic, status: wire.GetStatusResponse) -> Finding:
    if not status.parked:
        return about.ok("parked", "no patient is parked")
    fix = "`careloop parked list` says why; then `careloop parked retry`; see docs/runbooks/CareloopPatientParked.md"
    return about.failure("parked", f"{status.parked} patient(s) wait: their records do not reach the care team", fix)


def _overdue(about: Topic, status: wire.GetStatusResponse) -> Finding:
    if status.overdue_seconds <= OVERDUE_SECONDS:
        return about.ok("overdue", "what is due is being done")
    fix = "look for `due row failed` in its log; see docs/runbooks/CareloopNoticeOverdue.md"
    sentence = f"something has been due for {status.overdue_seconds:.0f} s: somebody may not have been paged"
    return about.failure("overdue", sentence, fix)


def _encrypted(about: Topic, opened: Services, name: str) -> Finding:
    if opened.encrypted or is_local(opened.addresses[name]):
        return about.ok("service-encrypted", "calls are encrypted, or do not leave this machine")
    fix = "set CARELOOP_GRPC_CERT_FILE, CARELOOP_GRPC_KEY_FILE and CARELOOP_GRPC_CA_FILE"
    return about.warning("service-encrypted", "calls go over the network in the clear", fix)


def judge_versions(versions: Mapping[str, str]) -> Iterator[Finding]:
    """Services may be one minor release apart while they are upgraded, and no further."""
    about = Topic(GROUP, "all")
    releases = {name: release for name, text in versions.items() if (release := _release(text)) is not None}
    unknown = sorted(set(versions) - set(releases))
    if unknown:
        yield about.unknown("service-version", f"of unknown release: {', '.join(unknown)}", "upgrade them")
    if not releases:
        return
    oldest, newest = min(releases.values()), max(releases.values())
    said = ", ".join(f"{name} {versions[name]}" for name in sorted(releases))
    if oldest == newest:
        yield about.ok("service-version", "all are of one release")
    elif oldest[0] == newest[0] and newest[1] - oldest[1] == 1:
        yield about.warning("service-version", f"an upgrade is under way: {said}", "finish it, or roll it back")
    else:
        fix = "upgrade one minor release at a time; see UPGRADING.md"
        yield about.failure("service-version", f"further apart than one release: {said}", fix)


def _release(text: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None
