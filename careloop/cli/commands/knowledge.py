"""`careloop knowledge`: the rules of the pack, one of them with its sources, what another version says otherwise."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from careloop.cli.documents.knowledge_page import counts, plain
from careloop.cli.documents.phrases import NotPhrases, phrases_in
from careloop.cli.terminal.tables import console, print_json, table
from careloop.knowledge.findings import Check
from careloop.knowledge.pack.catalogue import Cited, catalogue
from careloop.knowledge.pack.covering import CheckCovered, covering
from careloop.knowledge.pack.difference import Difference, difference
from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.pack.index import mechanisms
from careloop.knowledge.pack.pack import Pack, PackInvalid, load, read_data
from careloop.knowledge.pack.shapes.entries import Basis
from careloop.knowledge.pack.soundness.references import label, names_in
from careloop.knowledge.urgency.phrases import figures, read_phrases

app = typer.Typer(
    help="The clinical rules: list them, show one with its sources, compare two versions.",
    no_args_is_help=True,
    add_completion=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command("list")
def list_rules(
    kind: Annotated[
        str | None, typer.Option(help="Only of this kind, such as interactions; --counts names all.")
    ] = None,
    basis: Annotated[Basis | None, typer.Option(help="Only those whose source was seen so well.")] = None,
    counted: Annotated[bool, typer.Option("--counts", help="How many rules there are, by kind and basis.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the rules: id, version, severity, how well the source was seen, the source.

    Exits 0, or 2 for a kind that there is not.
    """
    kinds = catalogue(read_data()).rules()
    if kind is not None and kind not in kinds:
        _refuse(f"no such kind; there are {', '.join(kinds)}")
    chosen = {
        name: tuple(rule for rule in rules if basis in (None, rule.basis))
        for name, rules in kinds.items()
        if kind in (None, name)
    }
    if counted:
        _print_counts(chosen, as_json=as_json)
    elif as_json:
        print_json([{"file": f"{name}.yaml", **_builtins(rule)} for name, rules in chosen.items() for rule in rules])
    else:
        listed = [rule for rules in chosen.values() for rule in rules]
        rows = [(rule.id, rule.version, getattr(rule, "severity", "-"), rule.basis, rule.source) for rule in listed]
        console().print(table(f"{len(rows)} rules", ("rule", ">version", "severity", "basis", "source"), rows))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The id of a rule, or the name of a drug.")], as_json: AsJson = False
) -> None:
    """Show all versions of a rule with mechanism and source, or a drug with its classes and every rule that names it.

    Exits 0, or 2 when the pack knows neither rule nor drug of that name.
    """
    read = catalogue(read_data())
    rules = [rule for listed in read.rules().values() for rule in listed]
    shown = [rule for rule in rules if rule.id == name] or list(_about_drug(read.pack, rules, name))
    if not shown:
        _refuse("the pack knows neither rule nor drug of that name")
    if as_json:
        print_json([_builtins(entry) for entry in shown])
    else:
        typer.echo("\n\n".join(_text(read.pack, entry) for entry in shown))


@app.command("coverage")
def show_coverage(
    name: Annotated[str | None, typer.Argument(help="One drug, with its sources; all if left out.")] = None,
    thin: Annotated[bool, typer.Option("--thin", help="Only drugs of which some check is not covered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which drug was gone through for which check, with the number of rules about it and their sources.

    A check in brackets was not gone through for the drug: an order of it gets the note thin-coverage. In JSON every
    drug stands with its sources.

    Exits 0, or 2 when the pack does not know the drug.
    """
    pack = load(read_data())
    wanted = None if name is None else ingredients(name, None, pack)
    if wanted == ():
        _refuse("the pack does not know the drug")
    shown = [one for one in covering(pack) if (wanted is None or one.drug in wanted) and (one.thin or not thin)]
    if as_json:
        print_json([_builtins(one) for one in shown])
    elif wanted is not None:
        for one in shown:
            rows = [(part.check, _mark(part), "; ".join(part.sources)) for part in one.checks]
            console().print(table(one.drug, ("check", ">rules", "sources"), rows))
    else:
        rows_of_all = [(one.drug, *map(_mark, one.checks)) for one in shown]
        console().print(table(f"{len(shown)} drugs", ("drug", *(f">{check}" for check in Check)), rows_of_all))


def _mark(part: CheckCovered) -> str:
    return str(part.rules) if part.reviewed else f"({part.rules})"


@app.command("triage-phrases")
def triage_phrases(
    file: Annotated[Path, typer.Argument(help="Phrases in YAML.", exists=True, dir_okay=False)],
    wrong: Annotated[bool, typer.Option("--wrong", help="Also every phrase that is read otherwise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read phrases as clients write them, and show how often the danger words find the level that a person set.

    The file holds, by level (emergency-now, same-day, within-72-hours), everyday and not-danger, lists of phrases, or
    lists by language. Everyday and not-danger wait for the next visit; everyday phrases are also to be understood.

    Exits 0 whatever the figures, and 2 for a file that is not so.
    """
    try:
        listed = phrases_in(file.read_text(encoding="utf-8"))
    except NotPhrases as fault:
        _refuse(f"{file.name}: {fault}")
    read = read_phrases(listed, date.today())
    found = figures(read)
    others = [one for one in read if one.found is not one.wanted or (one.everyday and not one.understood)]
    if as_json:
        print_json({**_builtins(found), "phrases": len(read), "wrong": [_builtins(one) for one in others]})
        return
    rows = [(it.level, it.wanted, it.found, it.right, _share(it.precision), _share(it.recall)) for it in found.levels]
    heads = ("level", ">meant", ">found", ">right", ">precision", ">recall")
    console().print(table(f"{len(read)} phrases", heads, rows))
    typer.echo(f"{found.not_understood} of {found.everyday} everyday phrases are not understood.")
    typer.echo(f"{len(found.silent)} that need a person today would wait for the next visit.")
    if wrong:
        shown = [(one.wanted, one.found if one.understood else "not understood", one.text, one.rule) for one in others]
        console().print(table("read otherwise", ("meant", "found", "phrase", "rule"), shown))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A folder of data files.", exists=True, file_okay=False)],
    new: Annotated[
        Path | None, typer.Argument(help="Another one; the pack in use if left out.", exists=True, file_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two versions of the pack, entry by entry: + added, - removed, ~ a field of another value.

    They may be of other versions of this software; standard error says so of one that this version would not load.

    Exits 0 also when they differ, and 2 when a folder holds something else than data files.
    """
    contents = [folder_content(old), read_data() if new is None else folder_content(new)]
    try:
        found = difference(*contents)
    except PackInvalid as fault:
        _refuse(str(fault))
    for name, content in zip(("old", "new"), contents, strict=True):
        _note_unless_valid(name, content)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        typer.echo("\n".join(_lines(found)))


def folder_content(folder: Path) -> dict[str, bytes]:
    """The data files of a folder by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.yaml"))}


def _note_unless_valid(name: str, content: dict[str, bytes]) -> None:
    try:
        catalogue(content)
    except PackInvalid as fault:
        typer.echo(f"careloop knowledge: the {name} one does not load with this version: {fault}", err=True)


def _refuse(sentence: str) -> NoReturn:
    typer.echo(f"careloop knowledge: {sentence}", err=True)
    raise typer.Exit(2)


def _print_counts(kinds: dict[str, tuple[Cited, ...]], *, as_json: bool) -> None:
    shown = {kind: {"rules": len(rules), **counts(rules)} for kind, rules in kinds.items()}
    shown["all"] = {
        "rules": sum(map(len, kinds.values())),
        **counts(rule for rules in kinds.values() for rule in rules),
    }
    if as_json:
        print_json(shown)
        return
    rows = [(kind, *row.values()) for kind, row in shown.items()]
    console().print(table("Rules", ("kind", ">rules", *(f">{basis}" for basis in Basis)), rows))


def _about_drug(pack: Pack, rules: Iterable[Cited], name: str) -> Iterator[Any]:
    for drug in ingredients(name, None, pack):
        yield pack.drugs[drug]
        yield from (rule for rule in rules if not pack.meanings[drug].isdisjoint(names_in(rule)))


def _builtins(entry: Any) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(entry)
    return shown


def _text(pack: Pack, entry: Any) -> str:
    shown = {field: value for field, value in _builtins(entry).items() if value not in (None, [], (), "")}
    if "mechanism" in shown:
        shown["mechanism"] = mechanisms(pack)[shown["mechanism"]]
    return "\n".join([label(entry), *(f"  {field}: {plain(value)}" for field, value in shown.items())])


def _lines(found: Difference) -> list[str]:
    changed = [f"~ {one.file}: {one.entry}: {one.field}: {one.before} -> {one.after}" for one in found.changed]
    return [*(f"+ {name}" for name in found.added), *(f"- {name}" for name in found.removed), *changed] or ["no change"]
