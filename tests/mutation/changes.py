"""Every small change that mutmut's operators can make to the functions of a file, one at a time."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import unified_diff

import libcst as cst

from tests.mutation.places import places_in


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


def changes(file: str, source: str) -> list[Change]:
    """All changes of a file in the order of its code."""
    module, places = places_in(source)
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
    module, places = places_in(source)
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
