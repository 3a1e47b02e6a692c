"""`careloop screen`: the medication safety check on JSON, offline, no services needed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import typer

from careloop.knowledge.chart import Chart, Condition, Medication, Order, Patient, Trial
from careloop.knowledge.findings import Screening
from careloop.knowledge.screening import screen as screening

_PLACE = re.compile(r" - at `\$\.?(.*)`$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One input object. Without `as_of` the check is made as of today (UTC)."""

    order: Order
    as_of: date | None = None
    patient: Patient = field(default_factory=Patient)
    medications: tuple[Medication, ...] | None = None
    trials: tuple[Trial, ...] | None = None


class NotAsDescribed(ValueError):
    """The input is not a question; the sentence names the place and repeats nothing of what stood there."""


def read_question(text: bytes) -> Question:
    """The question a JSON text asks. Raises NotAsDescribed."""
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAsDescribed("the input is not JSON") from None
    _require_known_keys(read, Question, "")
    try:
        question = msgspec.convert(read, Question)
    except msgspec.ValidationError as fault:
        raise NotAsDescribed(_without_values(str(fault))) from None
    for place, value in _values(question, ""):
        _require_plausible(place, value)
    return question


def answer(question: Question, today: date) -> Screening:
    """The safety check of the question's order."""
    chart = Chart(patient=question.patient, medications=question.medications, trials=question.trials)
    return screening(chart, question.order, question.as_of or today)


def screen(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
) -> None:
    """Check an order against a chart: interactions, washouts, allergies, doses and more.

    Everything left out of the input is unknown, and is reported as not checked; without as_of the check is made as of
    today (UTC). Exit code 0 for an answer, whatever it says; 2 when the input is not as described (standard error
    names the field; with --lines that line answers {"error": ...}).
    """
    today = datetime.now(UTC).date()
    if lines:
        raise typer.Exit(_each_line(source, today))
    try:
        told = answer(read_question(source.read()), today)
    except NotAsDescribed as fault:
        typer.echo(f"careloop screen: {fault}", err=True)
        raise typer.Exit(2) from None
    typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))


def _each_line(source: typer.FileBinaryRead, today: date) -> int:
    code = 0
    for number, line in enumerate(source, start=1):
        try:
            told = msgspec.json.encode(answer(read_question(line), today))
        except NotAsDescribed as fault:
            typer.echo(f"careloop screen: line {number}: {fault}", err=True)
            told, code = msgspec.json.encode({"error": str(fault)}), 2
        typer.echo(told)
    return code


def _without_values(message: str) -> str:
    """The validator's message, less any value it quotes."""
    found = _PLACE.search(message)
    place = found.group(1) if found else ""
    what = _PLACE.sub("", message)
    if what.startswith("Invalid enum value"):
        what = "not one of the allowed values"
    return f"{place or 'the input'}: {what}"


def _require_known_keys(read: object, shape: Any, place: str) -> None:
    """Misspelt keys would read as unknown facts: they are refused."""
    inner = [part for part in get_args(shape) if part not in (type(None), Ellipsis)]
    if get_origin(shape) in (Union, UnionType):
        _require_known_keys(read, inner[0], place)
    elif get_origin(shape) is tuple and isinstance(read, list):
        for index, entry in enumerate(read):
            _require_known_keys(entry, inner[0], f"{place}[{index}]")
    elif is_dataclass(shape) and isinstance(read, dict):
        known = get_type_hints(shape)
        if not read.keys() <= known.keys():
            raise NotAsDescribed(f"{place or 'the input'}: a key is none of {', '.join(known)}")
        for key, entry in read.items():
            _require_known_keys(entry, known[key], f"{place}.{key}".lstrip("."))


def _values(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every value of a question, with its place."""
    yield place, value
    if isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from _values(entry, f"{place}[{index}]")
    elif is_dataclass(value):
        for part in fields(value):
            yield from _values(getattr(value, part.name), f"{place}.{part.name}".lstrip("."))


def _require_plausible(place: str, value: object) -> None:
    if isinstance(value, Order | Medication | Trial) and not (value.name or value.rxcui):
        raise NotAsDescribed(f"{place}: name or rxcui is needed")
    if isinstance(value, Condition) and not (value.icd10 or value.snomed or value.text):
        raise NotAsDescribed(f"{place}: icd10, snomed or text is needed")
    if isinstance(value, Decimal) and not value.is_finite():
        raise NotAsDescribed(f"{place}: not a finite number")
    if isinstance(value, int | Decimal) and value < 0:
        raise NotAsDescribed(f"{place}: may not be negative")
