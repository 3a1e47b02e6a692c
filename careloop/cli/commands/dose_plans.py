"""`careloop plan` and `careloop check-plan`: titration, taper and switch on JSON, offline, no services needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer

from careloop.cli.terminal.json_input import NotAsDescribed, answer_file, read_json, require_amount, values
from careloop.cli.terminal.plain import plain
from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import Chart, Medication, Patient, Trial
from careloop.knowledge.dosing.checker.checking import check_plan as checked
from careloop.knowledge.dosing.checker.findings import PlanCheck
from careloop.knowledge.dosing.plan import Answers, OnHand, Segment
from careloop.knowledge.dosing.planner.asking import Coming, Leaving, PlanKind, Wanted
from careloop.knowledge.dosing.planner.planning import plan as planned
from careloop.knowledge.regimen.requiring import require_regimen

MOST_SEGMENTS = 100
_LEAST_STRENGTH_MG = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBefore:
    """The answers before a taper; null is not known."""

    withdrawal_seizure: bool | None = None
    seizure_disorder: bool | None = None
    alcohol_or_opioids: bool | None = None
    pregnancy: bool | None = None
    relapse_in_24_months: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfChart:
    """The chart fields of `careloop screen`, and what dose plans ask besides. `strengths_mg` are those of the one drug,
    or of the one that leaves; `strengths` names drugs."""

    as_of: date | None = None
    patient: Patient = field(default_factory=Patient)
    medications: tuple[Medication, ...] | None = None
    trials: tuple[Trial, ...] | None = None
    strengths_mg: tuple[Decimal, ...] | None = None
    splittable: bool = False
    strengths: tuple[OnHand, ...] = ()
    used_since: date | None = None
    days_a_week: int | None = None
    asked: AskedBefore = field(default_factory=AskedBefore)

    @property
    def chart(self) -> Chart:
        return Chart(patient=self.patient, medications=self.medications, trials=self.trials)

    @property
    def answers(self) -> Answers:
        answered = msgspec.to_builtins(self.asked)
        return Answers(**answered, used_since=self.used_since, days_a_week=self.days_a_week)

    def on_hand(self, drug: str | None) -> tuple[OnHand, ...]:
        """Raises NotAsDescribed for strengths of nobody knows which drug."""
        if self.strengths_mg is None:
            return self.strengths
        if drug is None:
            raise NotAsDescribed("strengths_mg: there are several drugs: name each in strengths")
        return (*self.strengths, OnHand(name=drug, strengths_mg=self.strengths_mg, splittable=self.splittable))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuestion(OfChart):
    """One input object of `careloop plan`."""

    kind: PlanKind
    from_: Leaving | None = None
    to: Coming | None = None
    starts_on: date | None = None
    pace_percent: Decimal | None = None
    every_days: int | None = None
    client_sets_pace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckQuestion(OfChart):
    """One input object of `careloop check-plan`; `from` is what is taken before it, where the chart does not say so."""

    segments: tuple[Segment, ...]
    from_: Leaving | None = None


def plan(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
) -> None:
    """Propose how a drug is raised, lowered or exchanged for another, with the reason and source of each step.

    Input: the chart fields of `careloop screen`, and {"kind": "titration|taper|switch", "from": {"name",
    "daily_dose_mg"}, "to": {"name", "target_daily_mg"}, "starts_on", "pace_percent", "every_days", "strengths_mg",
    "splittable", "strengths": [{"name", "strengths_mg", "splittable"}], "used_since", "days_a_week", "asked",
    "client_sets_pace"}. Without segments, `impossible` names the constraint that forbids the plan, or `not_known` what
    nobody knows. `check` is what `careloop check-plan` says of the proposal. Nothing here is medical advice. Exit code
    0 for an answer, 2 when the input is not as described (standard error names the field; with --lines that line
    answers {"error": ...}).
    """
    raise typer.Exit(answer_file("plan", source, lines=lines, answer=lambda text: proposed(text, _today())))


def check_plan(
    source: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE", help="A JSON file, or - to read one.")],
    lines: Annotated[bool, typer.Option("--lines", help="One JSON object a line, one answer a line.")] = False,
) -> None:
    """Judge any schedule of doses: what is illegal, what is to be answered, what could not be judged.

    Input: the chart fields of `careloop screen`, and {"segments": [{"drug", "from_on", "to_on", "regimen"}]} with the
    regimens of `careloop regimen`; "from" where the chart does not have the drug that is lowered; strengths,
    used_since, days_a_week and asked as in `careloop plan`. `legal` is false with any violation, else null where
    something was not checked, else true. Exit code 0 for an answer, 2 when the input is not as described (standard
    error names the field; with --lines that line answers {"error": ...}).
    """
    raise typer.Exit(answer_file("check-plan", source, lines=lines, answer=lambda text: judged(text, _today())))


def _today() -> date:
    return datetime.now(UTC).date()


def proposed(text: bytes, today: date) -> Any:
    """The answer to one JSON text. Raises NotAsDescribed."""
    asked = read_json(_with_python_names(text), PlanQuestion)
    _require_plausible(asked)
    as_of = asked.as_of or today
    one = asked.to if asked.kind is PlanKind.TITRATION else asked.from_
    wanted = Wanted(
        kind=asked.kind,
        chart=asked.chart,
        as_of=as_of,
        starts_on=asked.starts_on or as_of,
        leaving=asked.from_,
        coming=asked.to,
        pace_percent=asked.pace_percent,
        every_days=asked.every_days,
        on_hand=asked.on_hand(one.name if one else None),
        answers=asked.answers,
        client_sets_pace=asked.client_sets_pace,
    )
    found = planned(wanted)
    running = asked.from_.running if asked.from_ else ()
    check = checked(
        wanted.chart, found.segments, as_of, running=running, on_hand=wanted.on_hand, answers=wanted.answers
    )
    return plain(found) | {"check": _told(check) if found.segments else None}


def judged(text: bytes, today: date) -> Any:
    """The answer to one JSON text. Raises NotAsDescribed."""
    asked = read_json(_with_python_names(text), CheckQuestion)
    _require_plausible(asked)
    _require_segments(asked.segments)
    drugs = {segment.drug for segment in asked.segments}
    on_hand = asked.on_hand(drugs.pop() if len(drugs) == 1 else None)
    running = asked.from_.running if asked.from_ else ()
    found = checked(
        asked.chart, asked.segments, asked.as_of or today, running=running, on_hand=on_hand, answers=asked.answers
    )
    return plain(found)


def _told(check: PlanCheck) -> Any:
    return {name: held for name, held in plain(check).items() if name != "knowledge"}


def _with_python_names(text: bytes) -> bytes:
    """`from` is a word of the language; what is no object is refused by the reader."""
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
    if not isinstance(read, dict) or "from_" in read:
        return text
    return msgspec.json.encode({"from_" if name == "from" else name: held for name, held in read.items()})


def _require_plausible(asked: OfChart) -> None:
    for place, value in values(asked):
        require_amount(place, value)
        if isinstance(value, Medication | Trial) and not (value.name or value.rxcui):
            raise NotAsDescribed(f"{place}: name or rxcui is needed")
    for place, mg in _strengths(asked):
        if not _LEAST_STRENGTH_MG <= mg == round(mg, 3):
            raise NotAsDescribed(f"{place}: a strength is at least 0.001 mg, with at most 3 decimal places")
    if asked.days_a_week is not None and not 1 <= asked.days_a_week <= 7:
        raise NotAsDescribed("days_a_week: 1 to 7")
    if isinstance(asked, PlanQuestion):
        if asked.every_days is not None and not 1 <= asked.every_days <= 366:
            raise NotAsDescribed("every_days: 1 to 366")
        if asked.pace_percent is not None and not 0 < asked.pace_percent <= 100:
            raise NotAsDescribed("pace_percent: above 0, to 100")


def _strengths(asked: OfChart) -> Iterator[tuple[str, Decimal]]:
    yield from ((f"strengths_mg[{number}]", mg) for number, mg in enumerate(asked.strengths_mg or ()))
    for place, one in enumerate(asked.strengths):
        if not one.strengths_mg:
            raise NotAsDescribed(f"strengths[{place}].strengths_mg: at least one is needed")
        yield from ((f"strengths[{place}].strengths_mg[{number}]", mg) for number, mg in enumerate(one.strengths_mg))
    if asked.strengths_mg == ():
        raise NotAsDescribed("strengths_mg: at least one is needed")


def _require_segments(segments: Sequence[Segment]) -> None:
    if not 1 <= len(segments) <= MOST_SEGMENTS:
        raise NotAsDescribed(f"segments: 1 to {MOST_SEGMENTS} are needed")
    for number, segment in enumerate(segments):
        if segment.to_on is not None and segment.to_on < segment.from_on:
            raise NotAsDescribed(f"segments[{number}].to_on: may not lie before from_on")
        try:
            require_regimen(segment.regimen, f"segments[{number}].regimen")
        except InvalidInput as fault:
            raise NotAsDescribed(f"{fault.field}: {fault.slug}: {fault.sentence}") from None
