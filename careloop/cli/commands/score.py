"""`careloop score`: a rating scale from its answers."""

import sys
from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer

from careloop.cli.terminal.json_input import NotAsDescribed, answer_file, read_json
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import Sex
from careloop.knowledge.scales.score import Instrument, ScaleReading, Score, instruments, readings
from careloop.knowledge.scales.score import score as scored


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswers:
    """One line of `--lines`; null is a missing answer."""

    instrument: str
    answers: tuple[int | None, ...]
    sex: Sex | None = None


def score(
    instrument: Annotated[str | None, typer.Argument(help="Such as phq-9; --list shows all.")] = None,
    answers: Annotated[list[str] | None, typer.Argument(help="Numbers, in order; - for a missing one.")] = None,
    *,
    sex: Annotated[Sex | None, typer.Option(help="Where cut-offs go by sex: audit-c.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what the answers ask for, with sources.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the instruments with their items and ranges.")] = False,
    lines: Annotated[
        bool, typer.Option("--lines", help='Read {"instrument", "answers"[, "sex"]} a line from standard input.')
    ] = False,
) -> None:
    """Score a rating scale: total, band and what needs a person's eye.

    Exit code 2 when the instrument is not known, or when answers are too many, too few or out of range; the message
    names the item and its range. With --lines such a line answers {"error": ...}.
    """
    if lines:
        raise typer.Exit(answer_file("score", sys.stdin.buffer, lines=True, answer=_line))
    try:
        if listed:
            typer.echo(_list_json() if as_json else _list_text())
        elif instrument is None:
            raise InvalidInput("instrument-missing", "Name an instrument; --list shows them.", field="instrument")
        else:
            numbers = [_answer(index, text) for index, text in enumerate(answers or (), start=1)]
            read = readings(instrument, numbers, sex) if explain else None
            scale_score = scored(instrument, numbers, sex)
            typer.echo(_json(scale_score, read) if as_json else _text(scale_score, read or ()))
    except InvalidInput as fault:
        typer.echo(f"careloop score: {fault.sentence}", err=True)
        raise typer.Exit(2) from None


def _line(text: bytes) -> Score:
    asked = read_json(text, ScoredAnswers)
    try:
        return scored(asked.instrument, asked.answers, asked.sex)
    except InvalidInput as fault:
        raise NotAsDescribed(fault.sentence) from None


def _answer(item: int, text: str) -> int | None:
    if text == "-":
        return None
    try:
        return int(text)
    except ValueError:
        sentence = f"Item {item} must be a whole number, or - when it is missing."
        raise InvalidInput("not-a-number", sentence, field=f"items[{item - 1}]") from None


def _json(scale_score: Score, read: tuple[ScaleReading, ...] | None) -> bytes:
    if read is None:
        return msgspec.json.encode(scale_score)
    return msgspec.json.encode({**msgspec.to_builtins(scale_score), "readings": read})


def _text(scale_score: Score, read: tuple[ScaleReading, ...]) -> str:
    total = "no total" if scale_score.total is None else f"total {scale_score.total}"
    parts = [f"{scale_score.instrument}: {total}", scale_score.band or "no band"]
    parts += [f"flagged {flag}" for flag in scale_score.flags]
    first = ", ".join(parts + ([f"{scale_score.missing} missing"] if scale_score.missing else []))
    return "\n".join([first, *map(_reading_text, read)])


def _reading_text(read: ScaleReading) -> str:
    holds = {True: "yes", False: "no", None: "cannot be said"}[read.holds]
    asked = f" - {read.action}" if read.holds else ""
    return f"  {read.name}: {holds}{asked} ({read.source}) [{read.basis}, {'' if read.reviewed else 'not '}reviewed]"


def _items(instrument: Instrument) -> list[dict[str, object]]:
    """Every question by its number, with its range."""
    return [
        {"item": number, "name": name, "lowest": 0, "highest": highest}
        for number, (name, highest) in enumerate(zip(instrument.names, instrument.most, strict=True), start=1)
    ]


def _list_json() -> bytes:
    listed = [{"instrument": one.id, "version": one.version, "items": _items(one)} for one in instruments().values()]
    return msgspec.json.encode(listed)


def _list_text() -> str:
    lines = []
    for one in instruments().values():
        ranges = [f"{item['item']} {item['name']} 0-{item['highest']}" for item in _items(one)]
        lines.append(f"{one.id:8} {len(ranges):2} items: {', '.join(ranges)}")
    return "\n".join(lines)
