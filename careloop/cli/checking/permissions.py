"""Kafka's permissions: each service may do what it must, one alone writes a topic, nobody may take facts away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from careloop.cli.checking.findings import Finding, Topic

ANYBODY = "User:*"


class Operation(IntEnum):
    """As Kafka numbers them."""

    ALL = 2
    READ = 3
    WRITE = 4
    DELETE = 6
    ALTER = 7
    ALTER_CONFIGS = 11


class Kind(IntEnum):
    """As Kafka numbers them."""

    TOPIC = 2
    GROUP = 3


_PREFIXED = 4
_ALLOWED = 3
TAKES_AWAY = (Operation.DELETE, Operation.ALTER, Operation.ALTER_CONFIGS)


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of Kafka's list; `allows` is False where it denies."""

    kind: int
    name: str
    prefixed: bool
    principal: str
    operation: int
    allows: bool = True

    def is_of(self, kind: Kind, name: str, operation: Operation) -> bool:
        """Whether it speaks of this operation on that topic or group."""
        fits = name.startswith(self.name) if self.prefixed else self.name in {name, "*"}
        return self.kind == kind and fits and self.operation in {operation, Operation.ALL}


def permissions(resources: Sequence[Any]) -> list[Permission]:
    """What the broker answered."""
    return [
        Permission(kind, name, pattern == _PREFIXED, principal, operation, allows=permission == _ALLOWED)
        for kind, name, pattern, acls in resources
        for principal, _host, operation, permission in acls
    ]


class Permissions:
    """The whole list. Super users are not on it, and may do everything."""

    def __init__(self, lines: Sequence[Permission]) -> None:
        self._lines = lines

    def who(self, kind: Kind, name: str, operation: Operation) -> frozenset[str]:
        """Everyone who may do that."""
        said = [line for line in self._lines if line.is_of(kind, name, operation)]
        denied = {line.principal for line in said if not line.allows}
        return frozenset(line.principal for line in said if line.allows) - denied

    def may(self, principal: str, kind: Kind, name: str, operation: Operation) -> bool:
        return bool({principal, ANYBODY} & self.who(kind, name, operation))


def judge(lines: Sequence[Permission], reads: Mapping[str, Sequence[str]], group: str, heads: str) -> Iterator[Finding]:
    """What is to be said of each service's topic and of what it may do; `reads` are its sources by service."""
    permitted = Permissions(lines)
    for service, sources in reads.items():
        topic = f"care.{service}.v1"
        about = Topic(group, topic)
        writers = permitted.who(Kind.TOPIC, topic, Operation.WRITE)
        yield _writers(about, service, writers)
        yield _readers(about, permitted.who(Kind.TOPIC, topic, Operation.READ))
        yield _takers(about, permitted, topic)
        if len(writers) == 1:
            yield _needs(Topic(group, service), permitted, next(iter(writers)), _needed(service, sources, heads))


def _writers(about: Topic, service: str, writers: frozenset[str]) -> Finding:
    if len(writers) == 1 and ANYBODY not in writers:
        return about.ok("topic-writer", "one user writes it")
    add = f"kafka-acls --add --allow-principal User:careloop-kafka-{service} --operation Write --topic {about.about}"
    if not writers:
        return about.failure("topic-writer", f"nobody may write it: what {service} records stays there", add)
    sentence = f"{', '.join(sorted(writers))} may write it: a record may be no fact of {service}"
    fix = f"kafka-acls --remove --operation Write --topic {about.about} for all but the user of {service}"
    return about.failure("topic-writer", sentence, fix)


def _readers(about: Topic, readers: frozenset[str]) -> Finding:
    if ANYBODY not in readers:
        return about.ok("topic-readers", f"{len(readers)} user(s) read it")
    fix = f"kafka-acls --remove --allow-principal '{ANYBODY}' --operation Read --topic {about.about}"
    return about.failure("topic-readers", "whoever comes in reads patients' facts", fix)


def _takers(about: Topic, permitted: Permissions, topic: str) -> Finding:
    takers = sorted(set().union(*(permitted.who(Kind.TOPIC, topic, each) for each in TAKES_AWAY)))
    if not takers:
        return about.ok("topic-powers", "no user may delete or change it")
    names = " ".join(f"--operation {each.name.title().replace('_', '')}" for each in TAKES_AWAY)
    fix = f"kafka-acls --remove {names} --topic {topic}, and All, for {', '.join(takers)}"
    return about.warning("topic-powers", f"{', '.join(takers)} may take facts away", fix)


Need = tuple[Kind, str, Operation]


def _needed(service: str, sources: Sequence[str], heads: str) -> list[Need]:
    own = [(Kind.TOPIC, heads, Operation.READ), (Kind.TOPIC, heads, Operation.WRITE)]
    read = [(Kind.TOPIC, f"care.{source}.v1", Operation.READ) for source in sources]
    groups = [(Kind.GROUP, f"{service}.any", Operation.READ)] if sources else []
    return [*own, *read, *groups]


def _needs(about: Topic, permitted: Permissions, principal: str, needed: Sequence[Need]) -> Finding:
    lacking = [need for need in needed if not permitted.may(principal, *need)]
    if not lacking:
        return about.ok("service-permissions", f"{principal} may do what it must")
    said = ", ".join(f"{operation.name.title()} of {_place(kind, name)}" for kind, name, operation in lacking)
    fix = "; ".join(
        f"kafka-acls --add --allow-principal {principal} --operation {operation.name.title()} {_option(kind, name)}"
        for kind, name, operation in lacking
    )
    return about.failure("service-permissions", f"{principal} lacks {said}", fix)


def _place(kind: Kind, name: str) -> str:
    return f"groups {name.partition('.')[0]}..." if kind is Kind.GROUP else name


def _option(kind: Kind, name: str) -> str:
    if kind is Kind.GROUP:
        return f"--group {name.partition('.')[0]} --resource-pattern-type prefixed"
    return f"--topic {name}"
