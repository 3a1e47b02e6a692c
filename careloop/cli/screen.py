"""`careloop screen`: the medication safety check on JSON, offline, no services needed."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
import typer

from careloop.cli.json_input import NotAsDescribed, read_json, require_amount, values
from careloop.knowledge.chart import Chart, Condition, Medication, Order, Patient, Trial
from careloop.knowledge.findings import Screening
from careloop.knowledge.screening import screen as screening


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One input object. Without `as_of` the check is made as of today (UTC)."""

    order: Order
    as_of: date | None = None
    patient: Patient = field(default_factory=Patient)
    medications: tuple[Medication, ...] | None = None
    trials: tuple[Trial, ...] | None = None


def read_question(text: bytes) -> Question:
    """The question a JSON text asks. Raises NotAsDescribed."""
    question = read_json(text, Question)
    for place, value in values(question):
        require_amount(place, value)
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


def _require_plausible(place: str, value: object) -> None:
    if isinstance(value, Order | Medication | Trial) and not (value.name or value.rxcui):
        raise NotAsDescribed(f"{place}: name or rxcui is needed")
    if isinstance(value, Condition) and not (value.icd10 or value.snomed or value.text):
        raise NotAsDescribed(f"{place}: icd10, snomed or text is needed")
