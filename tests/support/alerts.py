"""Alert rules on the figures that a running process shows: those that compare one figure with a number."""

import asyncio
import operator
import urllib.request
from collections.abc import Callable
from pathlib import Path

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes.running import System

RULES = Path(__file__).parents[2] / "deploy/alerts/careloop.yaml"
_COMPARED: dict[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt, "==": operator.eq}


def comparison(alert: str) -> tuple[str, str, float]:
    """The rule's figure, how it is compared, and with what."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    text = next(rule["expr"] for group in groups for rule in group["rules"] if rule["alert"] == alert)
    parsed = promql_parser.parse(text)
    assert isinstance(parsed, promql_parser.BinaryExpr), f"{alert} is no comparison"
    figure, number = parsed.lhs, parsed.rhs
    assert isinstance(figure, promql_parser.VectorSelector)
    assert isinstance(number, promql_parser.NumberLiteral)
    return str(figure.name), str(parsed.op), float(number.val)


async def is_true(system: System, service: str, alert: str) -> bool:
    """Whether the rule holds for any sample that this service shows now; `for` is Prometheus's to wait."""
    figure, compared, number = comparison(alert)
    values = await asyncio.to_thread(_values, system.supervisor.metrics_url(service), figure)
    assert values, f"{service} shows no {figure}"
    return any(_COMPARED[compared](value, number) for value in values)


def _values(url: str, name: str) -> list[float]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return [sample.value for family in families for sample in family.samples if sample.name == name]
