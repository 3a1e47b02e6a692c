"""What the page of benchmarks says of peers."""

from bench.pages import peers_that_win
from bench.results import OURS, Figure, Report, Row


def figure(who: str, median: float, name: str = "append, 1 waiting") -> Figure:
    return Figure(name=name, who=who, unit="commands/s", runs=(median,), notes={})


def test_a_peer_that_is_faster_at_the_same_setting_is_named() -> None:
    report = Report(name="append", title="Append", quick=False)
    report.figures += [figure(OURS, 2_000), figure("message-db", 2_500), figure("emmett", 1_900)]
    report.figures.append(figure("message-db", 9_000, name="append, 2 waiting"))
    page = peers_that_win([report.told()])
    assert page.splitlines()[2:] == ["- append, 1 waiting: message-db is 1.25 times ours"]


def test_a_peer_that_is_ahead_in_a_row_is_named_and_a_mere_yardstick_is_not() -> None:
    report = Report(name="append", title="Append", quick=False)
    ours = figure(OURS, 2_000)
    report.rows.append(Row(figure="append, single client", ours=ours, peer=figure("pgbench", 4_000)))
    report.rows.append(Row(figure="append, batches", ours=ours, peer=figure("raw", 4_000)))
    assert peers_that_win([report.told()]).splitlines()[2:] == ["- append, single client: pgbench is 2.00 times ours"]


def test_where_no_peer_is_ahead_the_page_says_so() -> None:
    report = Report(name="append", title="Append", quick=False)
    report.figures += [figure(OURS, 2_000), figure("emmett", 1_900)]
    assert "In none of the figures" in peers_that_win([report.told()])
