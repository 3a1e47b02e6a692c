"""`careloop support-bundle`: what a helper asks for first, in one archive, without patients' data."""

import asyncio
import io
import json
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from careloop.chassis.logs import keep_listed_fields
from careloop.cli.calling.client import Addresses, Home, Token
from careloop.cli.checking.findings import as_json
from careloop.cli.commands.check import all_findings
from careloop.local.settings import stack_settings

LOG_HOURS = 1
PAGE_SECONDS = 5

MetricsAt = Annotated[
    list[str] | None,
    typer.Option("--metrics", metavar="URL", help="A page of figures; may be repeated. Those of the state folder."),
]
LogFiles = Annotated[
    list[Path] | None,
    typer.Option("--log", metavar="FILE", help="A log of a service; may be repeated. Those of the state folder."),
]


def support_bundle(  # noqa: PLR0917 - typer hands every option over by name
    file: Path,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    metrics: MetricsAt = None,
    log: LogFiles = None,
) -> None:
    """Write what `careloop check` finds, every service's figures and the last hour of their logs into FILE (.tar.gz).

    Of a log line only the fields that the services themselves allow are taken; anything else, and any line that is not
    theirs, is left out. Read it before you send it. Exits 0 when it is written.
    """
    if file.exists():
        raise typer.BadParameter(f"{file} exists and is not written over", param_hint="FILE")
    folder = stack_settings(home=home).state_folder
    now = datetime.now(UTC)
    content = {
        "about.json": json.dumps({"release": version("careloop"), "made_at": now.isoformat(timespec="seconds")}),
        "check.json": json.dumps(as_json(asyncio.run(all_findings(home, address, token))), indent=2),
    }
    for name, url in _pages(folder, metrics):
        content[f"metrics/{name}.txt"] = _page(url)
    for path in log or sorted((folder / "logs").glob("*.log")):
        content[f"logs/{path.stem}.jsonl"] = "".join(recent_lines(path, now - timedelta(hours=LOG_HOURS)))
    _write(file, content, now)
    typer.echo(f"{file}: {len(content)} files")


def _pages(folder: Path, named: list[str] | None) -> Iterator[tuple[str, str]]:
    if named:
        yield from ((str(number), url) for number, url in enumerate(named))
        return
    try:
        yield from json.loads((folder / "addresses.json").read_text())["metrics"].items()
    except (OSError, ValueError, LookupError):
        return


def _page(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url} is no http address", param_hint="--metrics")
    try:
        with urllib.request.urlopen(url, timeout=PAGE_SECONDS) as answer:  # noqa: S310 - checked above
            text: str = answer.read().decode(errors="replace")
            return text
    except (urllib.error.URLError, OSError) as away:
        return f"# no answer: {type(away).__name__}\n"


def recent_lines(file: Path, since: datetime) -> Iterator[str]:
    """The services' own lines since then, each reduced to the fields that a log may have."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            kept = _allowed(line)
            if kept is not None and str(kept.get("timestamp", "")) >= since.strftime("%Y-%m-%dT%H:%M:%S"):
                yield json.dumps(kept) + "\n"


def _allowed(line: str) -> Mapping[str, object] | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    if not isinstance(read, dict) or "event" not in read:
        return None
    return keep_listed_fields(None, "", read)


def _write(file: Path, content: Mapping[str, str], now: datetime) -> None:
    with tarfile.open(file, "x:gz") as archive:
        for member, data in _members(content.items(), now):
            archive.addfile(member, io.BytesIO(data))


def _members(content: Iterable[tuple[str, str]], now: datetime) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for name, text in content:
        data = text.encode()
        member = tarfile.TarInfo(f"careloop-support/{name}")
        member.size, member.mtime, member.mode = len(data), int(now.timestamp()), 0o600
        yield member, data
