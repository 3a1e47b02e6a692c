"""`careloop adherence`: days covered by what pharmacies handed out."""

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Annotated

import typer

from careloop.cli.terminal.json_input import NotAsDescribed, answer_file, read_json
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.supply.adherence import METHOD, CoveredPeriod, Fill
from careloop.knowledge.supply.adherence import adherence as measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispensed:
    """One input object."""

    period: CoveredPeriod
    fills: tuple[Fill, ...]
    inpatient: tuple[CoveredPeriod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One answer. Shares are rounded to four places; null where no day is counted."""

    pdc: float | None
    days_covered: int
    days_in_period: int
    mpr: float | None
    method: str
    run_out_on: date | None


def adherence(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
) -> None:
    """Say how many days of a period were covered by fills: PDC, MPR and the day the supply runs out.

    Input: {"period": {"start", "end"}, "inpatient": [{"start", "end"}], "fills": [{"drug", "on", "days_supply"}]};
    days are written 2026-11-24. The names of one drug (product texts, brands, salts) count as one. Exit code 2 when the
    input is not as described (standard error names the field; with --lines that line answers {"error": ...}).
    """
    raise typer.Exit(answer_file("adherence", source, lines=lines, answer=answer))


def answer(text: bytes) -> Covered:
    """The answer to one JSON text. Raises NotAsDescribed."""
    asked = read_json(text, Dispensed)
    for index, fill in enumerate(asked.fills):
        if not fill.drug.strip():
            raise NotAsDescribed(f"fills[{index}].drug: is needed")
    try:
        found = measured(asked.period, _by_ingredient(asked.fills), asked.inpatient)
    except InvalidInput as fault:
        raise NotAsDescribed(fault.sentence) from None
    return Covered(
        pdc=_share(found.pdc),
        days_covered=found.days_covered,
        days_in_period=found.days_in_period,
        mpr=_share(found.mpr),
        method=METHOD,
        run_out_on=found.run_out_on,
    )


def _by_ingredient(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """The fills under the names of their ingredients; a name that is not known stands for itself."""
    written = {fill.drug for fill in fills}
    named = {drug: _named(drug) for drug in written} if len(written) > 1 else {}
    return tuple(replace(fill, drug=named.get(fill.drug, fill.drug)) for fill in fills)


def _named(drug: str) -> str:
    return " / ".join(sorted(ingredients(drug))) or " ".join(drug.casefold().split())


def _share(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 4)
