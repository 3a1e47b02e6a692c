"""Durable appends of one-event commands, each with its conflict check, beside four peers and PostgreSQL itself."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from bench.appending import (
    Load,
    append_emmett,
    append_library,
    append_message_db,
    append_ours,
    append_raw,
    append_umadb,
)
from bench.harness import Bench, main
from bench.pgbench import single_insert
from bench.results import OURS, Curve, Figure, Plot, Row

TITLE = "Durable append of one-event commands with conflict check"
UNIT = "commands/s"
PEERS = {"message-db": append_message_db, "emmett": append_emmett, "umadb": append_umadb}
TARGETS = {"eventsourcing": (40.0, None), "message-db": (10.0, None), "emmett": (10.0, None), "umadb": (3.0, None)}


async def measure(bench: Bench) -> None:
    """Quick: the library only, one and 64 waiting."""
    seconds, warm_up = (1.5, 0.5) if bench.quick else (4.0, 1.0)
    loads = {waiting: Load(waiting=waiting, seconds=seconds, warm_up=warm_up) for waiting in (1, 8, 64, 256)}
    ours = {waiting: await _ours(bench, loads[waiting]) for waiting in ((1, 64) if bench.quick else (1, 8, 64, 256))}
    threads = (1, 4) if bench.quick else (1, 4, 64)
    library = {each: await _library(bench, replace(loads[1], waiting=each)) for each in threads}
    _row(bench, "append, 64 waiting", ours[64], _best(library.values()))
    if library[1] is not None:
        bench.report.rows.append(
            Row(figure="append, single client", ours=ours[1], peer=library[1], target=2.5, goal=">= 2.5x the library")
        )
    if not bench.quick:
        peers = {who: await _peers(bench, who, loads) for who in PEERS}
        for figures in peers.values():
            _row(bench, "append, 64 waiting", ours[64], figures.get(64))
        await _against_postgresql(bench, loads, ours)
        await _spread_and_skewed(bench, loads[64])
        _plot(bench, ours, {"eventsourcing": library, **peers})


async def _ours(bench: Bench, load: Load) -> Figure:
    return await bench.repeated(load.words, OURS, UNIT, partial(append_ours, bench, load))


async def _library(bench: Bench, load: Load) -> Figure | None:
    who = "eventsourcing"
    return await bench.peer(who, lambda: bench.repeated(load.words, who, UNIT, partial(append_library, bench, load)))


async def _peers(bench: Bench, who: str, loads: dict[int, Load]) -> dict[int, Figure | None]:
    figures = {}
    for waiting in (1, 64):
        run = partial(PEERS[who], bench, loads[waiting])
        measure_peer = partial(bench.repeated, loads[waiting].words, who, UNIT, run)
        figures[waiting] = await bench.peer(who, measure_peer)
    return figures


def _best(figures: Iterable[Figure | None]) -> Figure | None:
    """The peer's best setting is what we are compared with."""
    return max((figure for figure in figures if figure is not None), key=lambda figure: figure.median, default=None)


def _row(bench: Bench, figure: str, ours: Figure, peer: Figure | None) -> None:
    if peer is not None:
        target, stretch = TARGETS[peer.who]
        goal = f">= {target:.0f}x {peer.who}"
        bench.report.rows.append(Row(figure=figure, ours=ours, peer=peer, target=target, stretch=stretch, goal=goal))


async def _against_postgresql(bench: Bench, loads: dict[int, Load], ours: dict[int, Figure]) -> None:
    """What the same server does with nothing around it."""
    inserts = await bench.repeated(
        "insert, 1 waiting", "pgbench", UNIT, partial(single_insert, bench, loads[1].seconds)
    )
    bench.report.rows.append(
        Row(figure="append, single client", ours=ours[1], peer=inserts, stretch=1.0, goal="stretch: raw pgbench")
    )
    for waiting in (64, 256):
        load = loads[waiting]
        raw = await bench.repeated(f"unnest, batches of {waiting}", "raw", UNIT, partial(append_raw, bench, load))
        stretch = 0.7 if waiting == 64 else None
        goal = "stretch: 70 % of raw batched unnest" if stretch else ""
        bench.report.rows.append(
            Row(figure=f"append, {waiting} waiting", ours=ours[waiting], peer=raw, stretch=stretch, goal=goal)
        )


async def _spread_and_skewed(bench: Bench, load: Load) -> None:
    for processes in (2, 4):
        await _ours(bench, replace(load, processes=processes))
    await _ours(bench, replace(load, skew="zipf"))
    await _library(bench, replace(load, waiting=1, skew="zipf"))


def _plot(bench: Bench, ours: dict[int, Figure], peers: dict[str, dict[int, Figure | None]]) -> None:
    curves = [Curve(label=OURS, points=tuple((float(n), figure.median) for n, figure in sorted(ours.items())))]
    for who, figures in peers.items():
        points = tuple((float(n), figure.median) for n, figure in sorted(figures.items()) if figure is not None)
        if points:
            curves.append(Curve(label=who, points=points))
    bench.report.plots.append(
        Plot(name="append", title=TITLE, x="clients waiting", y="durable commands per second", curves=tuple(curves))
    )


if __name__ == "__main__":
    sys.exit(main("append", TITLE, measure))
