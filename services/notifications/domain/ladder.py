"""Which persons a rule means in the team as it is: the steps in which they are notified."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.contracts.coordination import CLIENT
from careloop.contracts.terms import Role
from services.notifications.domain.causes import Rule, Seat
from services.notifications.domain.rules import OnCall
from services.notifications.domain.team import Member


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to be notified, in the role for which."""

    person: str
    role: Role


Steps = tuple[tuple[Recipient, ...], ...]


def steps(rule: Rule, named: Collection[str], members: Sequence[Member], on_call: OnCall) -> Steps:
    """Who is notified at once, then who next: rungs without anybody are left out, and nobody stands on two. `named`
    are the persons whom the cause names, or those in their place.

    Where somebody must acknowledge, the on-call person takes the seat of a missing prescriber and is the last step.
    Where nobody must, a rung without anybody falls to the care manager, then the prescriber. A patient without a
    team has the on-call person: no notice reaches nobody.
    """
    last = Recipient(on_call.person, on_call.role)
    rungs = [_seated(rung, named, members) for rung in rule.rungs]
    if rule.acknowledged:
        if Seat.PRESCRIBER in rule.rungs[0] and not _seated((Seat.PRESCRIBER,), named, members):
            rungs[0] = [*rungs[0], last]
        rungs.append([last])
    elif not any(rungs):
        rungs = [stand_in(members, on_call)]
    return _each_once(rungs)


def stand_in(members: Sequence[Member], on_call: OnCall) -> list[Recipient]:
    """Who hears what nobody else would: the care manager, else the prescriber, else the on-call person."""
    found = _seated((Seat.CARE_MANAGER,), (), members) or _seated((Seat.PRESCRIBER,), (), members)
    return found or [Recipient(on_call.person, on_call.role)]


def _each_once(rungs: Iterable[Iterable[Recipient]]) -> Steps:
    seen: set[str] = set()
    found = []
    for rung in rungs:
        new = tuple({it.person: it for it in rung if it.person not in seen}.values())
        seen.update(it.person for it in new)
        found.append(new)
    return tuple(step for step in found if step)


def _seated(seats: Iterable[Seat], named: Collection[str], members: Sequence[Member]) -> list[Recipient]:
    return [Recipient(member.person, member.role) for seat in seats for member in SITTING[seat](members, named)]


def _prescriber(members: Sequence[Member], _named: Collection[str]) -> Sequence[Member]:
    return [member for member in members if member.prescribes][:1]


def _other_prescribers(members: Sequence[Member], _named: Collection[str]) -> Sequence[Member]:
    return [member for member in members if member.prescribes][1:]


def _supervisors(members: Sequence[Member], named: Collection[str]) -> Sequence[Member]:
    """Nobody where the prescriber who is named is a psychiatrist; somebody who is not in the team may not be one."""
    psychiatrists = [member for member in members if member.role is Role.PSYCHIATRIST]
    return [] if any(member.person in named for member in psychiatrists) else psychiatrists


def _in_role(role: Role) -> Callable[[Sequence[Member], Collection[str]], Sequence[Member]]:
    return lambda members, _named: [member for member in members if member.role is role]


THE_CLIENT = Member(person=CLIENT, role=Role.CLIENT, since=datetime.min.replace(tzinfo=UTC))

SITTING: Mapping[Seat, Callable[[Sequence[Member], Collection[str]], Sequence[Member]]] = {
    Seat.PRESCRIBER: _prescriber,
    Seat.OTHER_PRESCRIBERS: _other_prescribers,
    Seat.CARE_MANAGER: _in_role(Role.CARE_MANAGER),
    Seat.THERAPIST: _in_role(Role.THERAPIST),
    Seat.PHARMACIST: _in_role(Role.PHARMACIST),
    Seat.SUPERVISOR: _supervisors,
    Seat.WHOLE_TEAM: lambda members, _named: [member for member in members if member.role is not Role.CLIENT],
    Seat.NAMED: lambda members, named: [member for member in members if member.person in named],
    Seat.CLIENT: lambda _members, _named: [THE_CLIENT],
}
"""Who sits in each seat, of members in the order they joined."""
