"""`careloop docs`: the pages under docs/ that are written from the code."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from careloop.chassis.consuming.subscription import Identity, ServiceBroker
from careloop.chassis.process.asyncapi import document
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.documents.event_pages import PUBLISHED_LANGUAGE, event_catalogue
from careloop.cli.documents.knowledge_page import reference
from careloop.cli.documents.rpc_pages import rpc_table
from careloop.knowledge.pack.catalogue import catalogue
from careloop.knowledge.pack.pack import read_data

_ANY_BROKER = "127.0.0.1:9092"


def docs(
    root: Annotated[
        Path,
        typer.Option(
            help="A checkout of the project: proto/ is read, docs/ written; this folder when not given.",
            show_default=False,
        ),
    ] = Path(),
) -> None:
    """Write the event catalogue, the RPC table, the rules and one AsyncAPI document per service into docs/.

    The paths written go to standard output. Exits 0, or 2 when the folder is not a checkout of the project.
    """
    if not (root / "proto" / "care").is_dir():
        raise typer.BadParameter(f"{root.resolve()} has no proto/care; name a checkout", param_hint="--root")
    for name, text in generated(root).items():
        place = root / "docs" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        typer.echo(place)


def generated(root: Path) -> dict[str, str]:
    """Every generated page by its path below docs/; the same code gives the same bytes."""
    pages = {"events.md": event_catalogue(), "rpcs.md": rpc_table(root / "proto")} | reference(catalogue(read_data()))
    return pages | {f"asyncapi/{service}.json": _asyncapi(service) for service in PUBLISHED_LANGUAGE}


def _asyncapi(service: str) -> str:
    types = PUBLISHED_LANGUAGE[service].TYPES
    broker = ServiceBroker(Identity(service=service), BrokerAccess(_ANY_BROKER), types)
    content = document(broker, types, version=version("careloop"))
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
