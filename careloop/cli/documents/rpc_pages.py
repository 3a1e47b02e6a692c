"""The RPC table: every call, what it does in the words of its .proto file, and which roles may make it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from careloop.contracts.policy import POLICY
from careloop.contracts.terms import Role

_PREAMBLE = """\
# RPCs and who may call them

Written by `make docs` from the .proto files and from `careloop/contracts/policy.py`; change those, not this page.
How to call, and what a refusal looks like, is in [build-on.md](build-on.md).
"""
_PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
_SERVICE = re.compile(r"^service (\w+)", re.MULTILINE)
_RPC = re.compile(
    r"(?P<comment>(?:^ +//.*\n)*)^ +rpc (?P<name>\w+)\((?:stream )?\w+\) returns \((?P<answers>stream )?\w+\)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """One call as its file declares it."""

    method: str
    comment: str
    streams: bool

    @property
    def name(self) -> str:
        return self.method.rpartition("/")[2]


def rpc_table(proto: Path) -> str:
    """The page in Markdown, one section per gRPC service."""
    sections = [_PREAMBLE]
    for file in sorted(proto.glob("care/*/v1/*.proto")):
        rpcs = list(read_rpcs(file.read_text()))
        if rpcs:
            service = rpcs[0].method.split("/")[1]
            sections.append(f"## {service}\n\n| RPC | what it does | roles |\n|---|---|---|\n{_rows(rpcs)}")
    return "\n".join(sections)


def read_rpcs(source: str) -> Iterator[Rpc]:
    """The calls that a .proto file declares, in its order."""
    package, service = _PACKAGE.search(source), _SERVICE.search(source)
    if package is None or service is None:
        return
    for found in _RPC.finditer(source):
        yield Rpc(
            method=f"/{package[1]}.{service[1]}/{found['name']}",
            comment=" ".join(line.strip().removeprefix("//").strip() for line in found["comment"].splitlines()),
            streams=bool(found["answers"]),
        )


def _rows(rpcs: list[Rpc]) -> str:
    return "".join(
        f"| `{rpc.name}`{' (stream)' if rpc.streams else ''} | {rpc.comment} | {_roles(rpc.method)} |\n" for rpc in rpcs
    )


def _roles(method: str) -> str:
    allowed = POLICY.get(method, frozenset())
    return ", ".join(role for role in Role if role in allowed) or "nobody"
