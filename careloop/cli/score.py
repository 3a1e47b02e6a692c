"""`careloop score`: a rating scale from its answers."""

from typing import Annotated

import msgspec
import typer

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.scales import Instrument, Score, instruments
from careloop.knowledge.scales import score as scored


def score(
    instrument: Annotated[str | None, typer.Argument(help="Such as phq-9; --list shows all.")] = None,
    answers: Annotated[list[str] | None, typer.Argument(help="Numbers, in order; - for a missing one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the instruments with their items and ranges.")] = False,
) -> None:
    """Score a rating scale: total, band and what needs a person's eye.

    Exit code 2 when the instrument is not known, or when answers are too many, too few or out of range.
    """
    try:
        if listed:
            typer.echo(_list_json() if as_json else _list_text())
        elif instrument is None:
            raise InvalidInput("instrument-missing", "Name an instrument; --list shows them.", field="instrument")
        else:
            told = scored(instrument, [_answer(index, text) for index, text in enumerate(answers or (), start=1)])
            typer.echo(msgspec.json.encode(told) if as_json else _text(told))
    except InvalidInput as fault:
        typer.echo(f"careloop score: {fault.sentence}", err=True)
        raise typer.Exit(2) from None


def _answer(item: int, text: str) -> int | None:
    if text == "-":
        return None
    try:
        return int(text)
    except ValueError:
        sentence = f"Item {item} must be a whole number, or - when it is missing."
        raise InvalidInput("not-a-number", sentence, field=f"items[{item - 1}]") from None


def _text(told: Score) -> str:
    total = "no total" if told.total is None else f"total {told.total}"
    parts = [f"{told.instrument}: {total}", told.band or "no band"]
    parts += [f"flagged {flag}" for flag in told.flags]
    return ", ".join(parts + ([f"{told.missing} missing"] if told.missing else []))


def _items(instrument: Instrument) -> list[dict[str, object]]:
    """Every question by its number, with its range."""
    names = [item.name for item in instrument.items for _ in range(item.count)]
    return [
        {"item": number, "name": name, "lowest": 0, "highest": highest}
        for number, (name, highest) in enumerate(zip(names, instrument.most, strict=True), start=1)
    ]


def _list_json() -> bytes:
    told = [{"instrument": one.id, "version": one.version, "items": _items(one)} for one in instruments().values()]
    return msgspec.json.encode(told)


def _list_text() -> str:
    lines = []
    for one in instruments().values():
        ranges = [f"{item['item']} {item['name']} 0-{item['highest']}" for item in _items(one)]
        lines.append(f"{one.id:8} {len(ranges):2} items: {', '.join(ranges)}")
    return "\n".join(lines)
