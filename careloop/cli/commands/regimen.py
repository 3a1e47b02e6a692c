"""`careloop regimen`: how a medicine is taken, day by day, in words and in FHIR; offline, no services needed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from careloop.cli.terminal.json_input import NotAsDescribed, answer_file, read_json
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.local_time import instant, zone_named
from careloop.knowledge.regimen.days import daily_dose_mg, daily_mg, doses_on, ends_on
from careloop.knowledge.regimen.fhir import to_fhir
from careloop.knowledge.regimen.regimen import USUAL_TIMES, DayTimes, Phase, Regimen, ascends, clock, most_mg
from careloop.knowledge.regimen.requiring import require_regimen
from careloop.knowledge.regimen.words import in_words

SHOWN_DAYS, MOST_SHOWN = 14, 400
_CLOCK_PLACES = ("morning", "noon", "evening", "bedtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One input object. With `time_zone` every dose has its moment; `times` are what the client calls morning and so
    on."""

    first_day: date
    phases: tuple[Phase, ...]
    time_zone: str | None = None
    times: DayTimes = field(default=USUAL_TIMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    at: str
    amount_mg: float
    instant: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    on: date
    doses: tuple[Dose, ...]
    total_mg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer. `daily_dose_mg` is that of the first phase over its pattern; `most_daily_mg` is what the safety check
    is asked with; what ascends is no order but a dose plan."""

    ends_on: date | None
    daily_dose_mg: float
    most_daily_mg: float
    ascends: bool
    words: str
    days: tuple[Day, ...]
    fhir: list[dict[str, object]]


def regimen(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day shown.")] = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="How many days are shown.")] = SHOWN_DAYS,
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
) -> None:
    """Show how a medicine is taken: the doses of each day, their total, the words for the client, and FHIR.

    Input: {"first_day", "phases": [{"days", "every_days" or "weekdays", "doses": [{"at", "amount_mg"}], "as_needed":
    {"reason", "amount_mg", "most_in_24_hours", "hours_between"}}], "time_zone", "times"}; days are written 2026-12-01,
    times HH:MM or morning, noon, evening, bedtime. Days are shown from the first one on, or from --on. Exit code 2 when
    the input is not as described (standard error names the field; with --lines that line answers {"error": ...}).
    """
    begins = on.date() if on else None
    raise typer.Exit(answer_file("regimen", source, lines=lines, answer=lambda text: answer(text, begins, days)))


def answer(text: bytes, begins: date | None, days: int) -> Shown:
    """The answer to one JSON text. Raises NotAsDescribed."""
    asked = read_json(text, Asked)
    known = Regimen(phases=asked.phases)
    zone = _zone(asked.time_zone)
    _require_times(asked.times)
    try:
        require_regimen(known)
    except InvalidInput as fault:
        raise NotAsDescribed(f"{fault.field.removeprefix('regimen.')}: {fault.slug}: {fault.sentence}") from None
    first = begins or asked.first_day
    return Shown(
        ends_on=ends_on(known, asked.first_day),
        daily_dose_mg=float(daily_dose_mg(known, asked.first_day, asked.first_day)),
        most_daily_mg=float(most_mg(known)),
        ascends=ascends(known),
        words=in_words(known),
        days=tuple(_days(known, asked, zone, [shifted(first, number) for number in range(days)])),
        fhir=to_fhir(known, asked.first_day),
    )


def _days(known: Regimen, asked: Asked, zone: ZoneInfo | None, shown: list[date]) -> Iterator[Day]:
    for day in shown:
        doses = doses_on(known, asked.first_day, day, asked.times)
        told = tuple(_dose(clock(one.at, asked.times), one.amount_mg, day, zone) for one in doses)
        yield Day(on=day, doses=told, total_mg=float(daily_mg(known, asked.first_day, day)))


def _dose(at: str, amount: Decimal, day: date, zone: ZoneInfo | None) -> Dose:
    moment = instant(day, time.fromisoformat(at), zone) if zone else None
    return Dose(at=at, amount_mg=float(amount), instant=moment)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    zone = zone_named(name)
    if zone.key != name:
        raise NotAsDescribed("time_zone: not the name of a time zone, such as America/New_York")
    return zone


def _require_times(times: DayTimes) -> None:
    for part in _CLOCK_PLACES:
        try:
            time.fromisoformat(getattr(times, part))
        except ValueError:
            raise NotAsDescribed(f"times.{part}: a time is HH:MM") from None
