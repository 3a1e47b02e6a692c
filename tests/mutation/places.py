"""Where in a source an operator of mutmut makes a change, and which lines run when that code runs."""

from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from tests.mutation.left_out import left_out, worthless


@dataclass(frozen=True, slots=True)
class Place:
    """A node, what comes in its stead, and where that is."""

    node: cst.CSTNode
    after: cst.CSTNode
    function: str
    line: int
    reached_by: tuple[int, int]


def places_in(source: str) -> tuple[cst.Module, list[Place]]:
    """The source as it was read, and all its places in their order, which is the same each time."""
    finder = _Finder()
    module = MetadataWrapper(cst.parse_module(source)).visit(finder)
    return module, finder.found


_WITH_LINES = (cst.BaseStatement, cst.ExceptHandler, cst.MatchCase)


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Place] = []
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

    def _place(self, node: cst.CSTNode, after: cst.CSTNode) -> Place:
        reached_by = self._statements[-1][1]
        start = self.get_metadata(PositionProvider, node, None)
        line = start.start.line if start is not None else reached_by[0]
        return Place(node, after, ".".join(around.name.value for around in self._names), line, reached_by)

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
