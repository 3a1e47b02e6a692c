"""`careloop status`: what the figures of a service come to, and what the command says where nothing runs."""

import socket
from pathlib import Path

import pytest
from care.operations.v1 import operations_pb2 as wire
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from typer.testing import CliRunner

from careloop.cli.commands.status import state_of, tables
from careloop.cli.main import app, main
from careloop.local.keys import LocalKeys
from careloop.local.settings import SERVICES

ENOUGH_WIDTH = {"COLUMNS": "200", "NO_COLOR": "1"}


def progress(**fields: object) -> wire.ConsumerProgress:
    told = {"consumer": "coordination.care-view", "source": "monitoring", "lag_seconds": 0.4} | fields
    return wire.ConsumerProgress(**told)  # type: ignore[arg-type]


def answer(*consumers: wire.ConsumerProgress, **fields: object) -> wire.GetStatusResponse:
    told = {"service": "coordination", "head_position": 7, "relayed_position": 7} | fields
    told.setdefault("broker", wire.BROKER_STATE_CONNECTED)
    return wire.GetStatusResponse(consumers=consumers, **told)  # type: ignore[arg-type]


def test_a_service_that_keeps_up_has_no_troubles() -> None:
    state = state_of(answer(progress(), head_recorded_at=Timestamp(seconds=1_800_000_000)), max_lag=10)
    assert state.troubles == ()
    assert state.head_recorded_at == "2027-01-15T08:00:00+00:00"
    assert state.broker == "connected"


def test_a_consumer_is_summed_over_its_partitions() -> None:
    partitions = (
        progress(partition=0, consumed_position=5, lag_positions=2, lag_seconds=3.0),
        progress(partition=1, consumed_position=9, lag_positions=1, lag_seconds=1.0),
        progress(partition=2),
    )
    (one,) = state_of(answer(*partitions), max_lag=10).consumers
    assert (one.consumed_position, one.lag_positions, one.lag_seconds, one.partitions_behind) == (9, 3, 3.0, 2)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answer(progress(lag_seconds=12)), "coordination.care-view: monitoring 12 s behind"),
        (answer(relay_lag_seconds=30), "relay 30 s behind"),
        (answer(broker=wire.BROKER_STATE_AWAY), "the broker does not answer"),
        (answer(parked=2), "2 parked, see `careloop parked list`"),
    ],
)
def test_what_an_operator_should_look_at_is_said(given: wire.GetStatusResponse, sentence: str) -> None:
    assert state_of(given, max_lag=10).troubles == (sentence,)


def test_one_partition_of_which_nothing_is_known_is_a_trouble() -> None:
    unknown = wire.ConsumerProgress(consumer="notifications", source="monitoring", partition=1)
    state = state_of(answer(progress(consumer="notifications"), unknown), max_lag=10)
    assert state.troubles == ("notifications: nothing known of monitoring",)
    assert state.consumers[0].lag_seconds is None


def test_lag_up_to_the_limit_is_keeping_up() -> None:
    assert state_of(answer(progress(lag_seconds=60)), max_lag=60).troubles == ()


def test_the_tables_show_services_and_consumers() -> None:
    shown = Console(width=200)
    with shown.capture() as captured:
        for part in tables([state_of(answer(progress(), parked=1), max_lag=10)]):
            shown.print(part)
    said = captured.get()
    assert "1 parked, see `careloop parked list`" in said
    assert "coordination.care-view" in said


def invoke(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words], env=ENOUGH_WIDTH)
    return result.exit_code, result.output


def nowhere() -> str:
    """An address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_services_that_are_away_are_shown_as_such_with_exit_code_1(tmp_path: Path) -> None:
    LocalKeys(tmp_path).ensure()
    places = [word for service in SERVICES for word in ("--address", f"{service}={nowhere()}")]
    code, said = invoke("status", "--home", str(tmp_path), *places)
    assert code == 1
    assert said.count("away: it does not answer; is it running?") == len(SERVICES)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("status", "--address", "billing=x:1"), "is not SERVICE=HOST:PORT"),
        (("status", "--max-lag", "-1"), "--max-lag"),
        (("view", "nobody"), "patient"),
        (("parked", "retry", "billing", "c", "s", "7c9e6679-7425-40de-944b-e07fc1f90ae7"), "billing is none of"),
        (("parked", "drop", "monitoring", "c", "s", "7c9e6679-7425-40de-944b-e07fc1f90ae7"), "--reason"),
        (("caseload", "--limit", "0"), "--limit"),
        (("watch",), "patient"),
    ],
)
def test_wrong_use_exits_2_with_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    code, said = invoke(*words)
    assert code == 2
    assert sentence in said


def test_where_nothing_ever_ran_it_says_how_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["careloop", "caseload", "--home", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "start it with `careloop up`" in capsys.readouterr().err
