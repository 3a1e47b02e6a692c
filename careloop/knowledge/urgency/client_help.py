"""What a client reads at once when what they wrote or answered is an emergency: whom to call, in their own language.

The sentences are client-words.yaml. Whatever is not known, they are given: what is missing is left out, or says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.urgency import CardPart, ClientWords, Language

__all__ = ["ClientHelp", "DepartmentOnRecord", "Language", "client_help"]

_DAYS = {Language.ENGLISH: "%Y-%m-%d", Language.SPANISH: "%d/%m/%Y"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentOnRecord:
    """The emergency department nearest to where the client is when at home, as it was recorded on that day."""

    name: str
    phone: str = ""
    recorded_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHelp:
    """Sentences in the order in which they are read. `words` are their ids and versions, `id@version`."""

    language: str
    lines: tuple[str, ...]
    words: tuple[str, ...]


def client_help(
    language: Language,
    *,
    on: date,
    red_flags: Iterable[str] = (),
    on_call_phone: str = "",
    department: DepartmentOnRecord | None = None,
    pack: Pack | None = None,
) -> ClientHelp:
    """What is read on that day, with these red flags recognised. Never raises."""
    pack = pack or current_pack()
    flags = set(red_flags)
    listed: tuple[ClientWords, ...] = in_force(pack, ClientWords, on)
    shown = [
        one
        for one in listed
        if one.language is language
        and (not one.flags or flags.intersection(one.flags))
        and _fits(one, on_call_phone, department)
    ]
    figures = {"phone": on_call_phone, **_named(department, language)}
    return ClientHelp(
        language=language,
        lines=tuple(one.text.format_map(figures) for one in shown),
        words=tuple(f"{one.id}@{one.version}" for one in shown),
    )


def _fits(words: ClientWords, on_call_phone: str, department: DepartmentOnRecord | None) -> bool:
    if words.part is CardPart.ON_CALL:
        return bool(on_call_phone)
    if words.part is CardPart.EMERGENCY_DEPARTMENT:
        return department is not None
    return words.part is not CardPart.NO_EMERGENCY_DEPARTMENT or department is None


def _named(department: DepartmentOnRecord | None, language: Language) -> dict[str, str]:
    if department is None:
        return {}
    named = f"{department.name}, {department.phone}" if department.phone else department.name
    return {"name": named, "on": department.recorded_on.strftime(_DAYS[language])}
