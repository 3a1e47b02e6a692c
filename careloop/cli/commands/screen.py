"""`careloop screen`: the medication safety check on JSON, offline, no services needed."""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import IO, Annotated

import msgspec
import typer

from careloop.cli.terminal.json_input import NotAsDescribed, answer_file, read_json, require_amount, values
from careloop.knowledge.chart import Condition, Medication, OrderedMedicine, Trial
from careloop.knowledge.findings import Alert, Screening
from careloop.knowledge.screening.coverage import coverage
from careloop.knowledge.screening.explaining import explain
from careloop.knowledge.screening.question import Question, chart_of
from careloop.knowledge.screening.screen import screen as screening

_ALERT = tuple(one.name for one in fields(Alert))


def read_question(text: bytes) -> Question:
    """The question a JSON text asks. Raises NotAsDescribed."""
    question = read_json(text, Question)
    for place, value in values(question):
        require_amount(place, value)
        _require_plausible(place, value)
    return question


def answer(question: Question, today: date) -> Screening:
    """The safety check of the question's order."""
    return screening(chart_of(question), question.order, question.as_of or today)


def explained(question: Question, today: date) -> dict[str, object]:
    """The answer as it is printed: every alert with its mechanism and the evidence in this chart."""
    found = answer(question, today)
    return {name: getattr(found, name) for name in ("knowledge", "outcome")} | {
        "alerts": [_with_reason(alert, question, today) for alert in found.alerts],
        "not_checked": found.not_checked,
        "checked": found.checked,
    }


def _with_reason(alert: Alert, question: Question, today: date) -> dict[str, object]:
    why = explain(alert, chart_of(question), question.order, question.as_of or today)
    return {name: getattr(alert, name) for name in _ALERT} | {"mechanism": why.mechanism, "evidence": why.evidence}


def screen(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
    summed: Annotated[
        bool,
        typer.Option("--coverage", help="One JSON object a line, one report: how many were checked in full."),
    ] = False,
) -> None:
    """Check an order against a chart: interactions, washouts, allergies, doses and more.

    Every alert says what, why (mechanism), the evidence in this chart, what to do, and the source.

    Everything left out of the input is unknown, and is reported as not checked; without as_of the check is made as of
    today (UTC). Exit code 0 for an answer, whatever it says; 2 when the input is not as described (standard error
    names the field; with --lines that line answers {"error": ...}).
    """
    today = datetime.now(UTC).date()
    if summed:
        raise typer.Exit(_coverage(source, today))
    raise typer.Exit(
        answer_file("screen", source, lines=lines, answer=lambda text: explained(read_question(text), today))
    )


def _coverage(source: IO[bytes], today: date) -> int:
    """Refused lines are named on standard error and are no orders."""
    answers: list[Screening] = []
    code = 0
    for number, line in enumerate(source, start=1):
        try:
            answers.append(answer(read_question(line), today))
        except NotAsDescribed as fault:
            typer.echo(f"careloop screen: line {number}: {fault}", err=True)
            code = 2
    typer.echo(msgspec.json.format(msgspec.json.encode(coverage(answers)), indent=2))
    return code


def _require_plausible(place: str, value: object) -> None:
    if isinstance(value, OrderedMedicine | Medication | Trial) and not (value.name or value.rxcui):
        raise NotAsDescribed(f"{place}: name or rxcui is needed")
    if isinstance(value, Condition) and not (value.icd10 or value.snomed or value.text):
        raise NotAsDescribed(f"{place}: icd10, snomed or text is needed")
