"""The dashboards: each panel asks for figures and labels that a process shows, in words that Prometheus parses."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from tests.support.figures import figures

FOLDER = Path(__file__).parents[2] / "deploy/charts/careloop/files/dashboards"
BOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
QUERIES = [(f"{name}: {panel['title']}", target["expr"]) for name, panel in PANELS for target in panel["targets"]]
FIGURE = re.compile(r"\b(careloop_\w+|process_\w+)(\{[^}]*\})?")
GROUPED = re.compile(r"\b(?:by|ignoring|on) \(([\w, ]+)\)")


def labels_of(query: str) -> set[str]:
    """Those that a query matches or groups by."""
    grouped = {label.strip() for found in GROUPED.findall(query) for label in found.split(",")}
    matchers = " ".join(matchers for _name, matchers in FIGURE.findall(query))
    return grouped | set(re.findall(r"(\w+)\s*(?:=|!=|=~)\s*\"", matchers))


def test_there_is_one_for_each_question() -> None:
    assert {board["title"] for board in BOARDS.values()} == {
        "Careloop: Does care flow?",
        "Careloop: Is one service healthy?",
        "Careloop: Is a consumer behind?",
    }
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize(("_place", "query"), QUERIES, ids=[place for place, _query in QUERIES])
def test_a_query_parses_and_names_a_figure_and_labels_that_exist(_place: str, query: str) -> None:
    promql_parser.parse(query)
    shown = figures()
    named = {name for name, _matchers in FIGURE.findall(query)}
    assert named
    assert named <= shown.keys()
    assert labels_of(query) <= frozenset[str]().union(*(shown[name] for name in named))


def test_every_panel_says_what_it_shows_and_has_lines_of_its_own() -> None:
    for name, panel in PANELS:
        assert panel["description"], (name, panel["title"])
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), (name, panel["title"])


def test_what_is_chosen_at_the_top_is_what_the_queries_ask_for() -> None:
    for name, board in BOARDS.items():
        chosen = {variable["name"] for variable in board["templating"]["list"]} - {"prometheus"}
        queries = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
        asked = set(re.findall(r"\$(\w+)", queries))
        assert chosen == asked, name
