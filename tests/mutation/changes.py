"""Every small change that mutmut's operators can make to the functions of a file, one at a time."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import unified_diff

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from tests.mutation.left_out import left_out, worthless


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one function; the same name for the same change of the same code, wherever its lines stand."""

    file: str
    function: str
    line: int
    reached_by: tuple[int, int]
    """The lines of which one runs whenever the changed code may run."""
    before: str
    after: str
    nth: int
    index: int

    @property
    def name(self) -> str:
        return f"{self.file}:{self.function}:{_short(self.before, self.after, str(self.nth))}"


@dataclass(frozen=True, slots=True)
class _Place:
    node: cst.CSTNode
    after: cst.CSTNode
    function: str
    line: int
    reached_by: tuple[int, int]


def changes(file: str, source: str) -> list[Change]:
    """All changes of a file in the order of its code."""
    module, places = _places(source)
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for index, place in enumerate(places):
        before, after = (module.code_for_node(node).strip() for node in (place.node, place.after))
        seen[place.function, before, after] += 1
        found.append(
            Change(
                file=file,
                function=place.function,
                line=place.line,
                reached_by=place.reached_by,
                before=before,
                after=after,
                nth=seen[place.function, before, after],
                index=index,
            )
        )
    return found


def changed(source: str, wanted: AbstractSet[int]) -> Iterator[tuple[int, str]]:
    """The whole source with each of these changes; one that is no Python, or no change, is left out."""
    module, places = _places(source)
    for index in sorted(wanted):
        text = cst.ensure_type(module.deep_replace(places[index].node, places[index].after), cst.Module).code
        if text != source and _is_python(text):
            yield index, text


def shown(file: str, source: str, after: str) -> str:
    """The change as the lines that go and the lines that come."""
    lines = unified_diff(source.splitlines(), after.splitlines(), file, file, n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def _short(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:10]


def _is_python(text: str) -> bool:
    try:
        compile(text, "changed", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _places(source: str) -> tuple[cst.Module, list[_Place]]:
    finder = _Finder()
    module = MetadataWrapper(cst.parse_module(source)).visit(finder)
    return module, finder.found


_WITH_LINES = (cst.BaseStatement, cst.ExceptHandler, cst.MatchCase)


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Place] = []
        self._names: list[cst.FunctionDef | cst.ClassDef] = []
        self._statements: list[tuple[cst.CSTNode, tuple[int, int]]] = []
        self._raise: cst.Raise | None = None

    def on_visit(self, node: cst.CSTNode) -> bool:
        if left_out(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node)
        elif any(isinstance(around, cst.FunctionDef) for around in self._names):
            self._change(node)
        if isinstance(node, _WITH_LINES):
            self._statements.append((node, self._lines(node)))
        if isinstance(node, cst.Raise):
            self._raise = node
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._names and self._names[-1] is original_node:
            self._names.pop()
        if self._statements and self._statements[-1][0] is original_node:
            self._statements.pop()
        if self._raise is original_node:
            self._raise = None

    def _change(self, node: cst.CSTNode) -> None:
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for after in operator(node):
                    if not worthless(node, after, in_raise=self._raise is not None):
                        self.found.append(self._place(node, after))

    def _place(self, node: cst.CSTNode, after: cst.CSTNode) -> _Place:
        reached_by = self._statements[-1][1]
        start = self.get_metadata(PositionProvider, node, None)
        line = start.start.line if start is not None else reached_by[0]
        return _Place(node, after, ".".join(around.name.value for around in self._names), line, reached_by)

    def _lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """A simple statement's lines; of one that holds others its head's; of a function's head all of its body."""
        position = self.get_metadata(PositionProvider, node)
        first, last = position.start.line, position.end.line
        body = getattr(node, "body", None)
        if isinstance(node, cst.FunctionDef) and isinstance(body, cst.IndentedBlock):
            return self.get_metadata(PositionProvider, body.body[0]).start.line, last
        if isinstance(body, cst.IndentedBlock):
            return first, max(first, self.get_metadata(PositionProvider, body.body[0]).start.line - 1)
        return first, last
