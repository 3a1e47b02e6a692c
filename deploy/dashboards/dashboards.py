"""Three dashboards, each for one question, written as JSON for Grafana.

    python -m deploy.dashboards.dashboards FOLDER

Every figure is one that a service shows at /metrics; `$service` and `$source` are chosen at the top.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

WIDTH, HEIGHT = 12, 8
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${prometheus}")


@dataclass(frozen=True)
class Panel:
    """One picture: the question it answers, its unit, and its queries by what their lines are called."""

    title: str
    says: str
    unit: str
    queries: Mapping[str, str]


@dataclass(frozen=True)
class Board:
    name: str
    question: str
    panels: Sequence[Panel]
    chosen: Sequence[str] = ()
    """Labels that are chosen at the top."""


CARE = Board(
    "care-flows",
    "Does care flow?",
    (
        Panel(
            "Services ready",
            "Processes that take calls. Fewer than there are replicas: CareloopNotReady.",
            "none",
            {"{{service}}": "sum by (service) (careloop_ready)"},
        ),
        Panel(
            "Facts published a second",
            "What the services say to each other.",
            "ops",
            {"{{service}}": "sum by (service) (rate(careloop_published_total[5m]))"},
        ),
        Panel(
            "Age of what each service knows of another",
            "Beyond 30 s orders are answered evidence-stale.",
            "s",
            {"{{service}} of {{source}}": "max by (service, source) (careloop_lag_seconds)"},
        ),
        Panel(
            "Facts that wait to be published",
            "Age of the oldest. Beyond 30 s: CareloopRelayStuck.",
            "s",
            {"{{service}}": "max by (service) (careloop_relay_lag_seconds)"},
        ),
        Panel(
            "Parked patients",
            "Their records wait for a person. Above 0: CareloopPatientParked.",
            "none",
            {"{{service}}": "max by (service) (careloop_parked)"},
        ),
        Panel(
            "For how long something is overdue",
            "An escalation, a retry, a dose dated ahead. Beyond two minutes: CareloopNoticeOverdue.",
            "s",
            {"{{service}}": "max by (service) (careloop_overdue_seconds)"},
        ),
        Panel(
            "Notices that failed or went on to the next person",
            "Nobody was reached, or nobody answered in time.",
            "none",
            {
                "failed": 'sum(increase(careloop_published_total{type=~".*NoticeFailed.*"}[1h]))',
                "escalated": 'sum(increase(careloop_published_total{type=~".*NoticeEscalated.*"}[1h]))',
            },
        ),
        Panel(
            "Calls that were not answered OK",
            "By what was answered instead. Refusals of people's mistakes are among them.",
            "ops",
            {"{{code}}": 'sum by (code) (rate(careloop_rpc_seconds_count{code!="OK"}[5m]))'},
        ),
    ),
)

SERVICE = Board(
    "one-service",
    "Is one service healthy?",
    (
        Panel(
            "Calls a second",
            "By method.",
            "reqps",
            {"{{method}}": 'sum by (method) (rate(careloop_rpc_seconds_count{service="$service"}[5m]))'},
        ),
        Panel(
            "Failures of the service itself",
            "Share of calls that it could not answer.",
            "percentunit",
            {
                "{{code}}": (
                    'sum by (code) (rate(careloop_rpc_seconds_count{service="$service",'
                    'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS"}[5m]))'
                    ' / ignoring (code) group_left sum(rate(careloop_rpc_seconds_count{service="$service"}[5m]))'
                )
            },
        ),
        Panel(
            "Time to answer",
            "Half, and 99 in 100, of all calls.",
            "s",
            {
                name: (
                    f"histogram_quantile({part}, sum by (le)"
                    ' (rate(careloop_rpc_seconds_bucket{service="$service"}[5m])))'
                )
                for name, part in (("half", "0.5"), ("99 in 100", "0.99"))
            },
        ),
        Panel(
            "Slowest methods",
            "Time within which 99 in 100 calls are answered.",
            "s",
            {
                "{{method}}": (
                    "topk(5, histogram_quantile(0.99, sum by (le, method)"
                    ' (rate(careloop_rpc_seconds_bucket{service="$service"}[5m]))))'
                )
            },
        ),
        Panel(
            "Database connections",
            "None idle and none free: CareloopConnectionsShort.",
            "none",
            {"{{state}}": 'sum by (state) (careloop_pool_connections{service="$service"})'},
        ),
        Panel(
            "How late the event loop is",
            "Beyond half a second the processor is short: CareloopLoopBlocked.",
            "s",
            {"{{instance}}": 'careloop_event_loop_lag_seconds{service="$service"}'},
        ),
        Panel(
            "Processor",
            "Seconds of processor time a second; a process uses one core.",
            "none",
            {"{{instance}}": 'rate(process_cpu_seconds_total{service="$service"}[5m])'},
        ),
        Panel(
            "Memory",
            "Resident.",
            "bytes",
            {"{{instance}}": 'process_resident_memory_bytes{service="$service"}'},
        ),
        Panel(
            "Releases at work",
            "Two for long: CareloopVersionsApart.",
            "none",
            {"{{version}}": 'count by (version) (careloop_build_info{service="$service"})'},
        ),
        Panel(
            "Days until a certificate ends",
            "Below 14: CareloopCertificateEnding.",
            "d",
            {
                "{{certificate}}": (
                    'min by (certificate) (careloop_certificate_ends_timestamp_seconds{service="$service"} - time())'
                    " / 86400"
                )
            },
        ),
    ),
    ("service",),
)

CONSUMER = Board(
    "one-consumer",
    "Is a consumer behind?",
    (
        Panel(
            "Seconds behind",
            "Since when all is known, by partition.",
            "s",
            {
                "{{consumer}} {{partition}}": (
                    'max by (consumer, partition) (careloop_lag_seconds{service="$service", source="$source"})'
                )
            },
        ),
        Panel(
            "Positions behind",
            "Facts that its source has and it has not, by partition.",
            "none",
            {
                "{{consumer}} {{partition}}": (
                    'max by (consumer, partition) (careloop_lag_positions{service="$service", source="$source"})'
                )
            },
        ),
        Panel(
            "Records applied a second",
            "None while it lags: it stands still.",
            "ops",
            {
                "{{consumer}}": (
                    'sum by (consumer) (rate(careloop_batch_records_total{service="$service", source="$source"}[5m]))'
                )
            },
        ),
        Panel(
            "Records published a second by its source",
            "More than it applies for long: add replicas, up to the partitions.",
            "ops",
            {"{{service}}": 'sum by (service) (rate(careloop_published_total{service="$source"}[5m]))'},
        ),
        Panel(
            "Time to apply a batch",
            "Half, and 99 in 100, of all batches.",
            "s",
            {
                name: (
                    f"histogram_quantile({part}, sum by (le)"
                    ' (rate(careloop_batch_seconds_bucket{service="$service", source="$source"}[5m])))'
                )
                for name, part in (("half", "0.5"), ("99 in 100", "0.99"))
            },
        ),
        Panel(
            "How far, by partition",
            "The last position applied. A partition that stays while others go on holds back its patients.",
            "none",
            {
                "{{consumer}} {{partition}}": (
                    'max by (consumer, partition) (careloop_consumed_position{service="$service", source="$source"})'
                )
            },
        ),
    ),
    ("service", "source"),
)

BOARDS = (CARE, SERVICE, CONSUMER)


def built(board: Board) -> Dashboard:
    made = (
        Dashboard(f"Careloop: {board.question}")
        .uid(f"careloop-{board.name}")
        .tags(["careloop"])
        .time("now-3h", "now")
        .refresh("30s")
        .readonly()
        .with_variable(DatasourceVariable("prometheus").label("Prometheus").type("prometheus"))
    )
    for label in board.chosen:
        values = f"label_values(careloop_lag_seconds, {label})"
        made = made.with_variable(QueryVariable(label).label(label).datasource(PROMETHEUS).query(values))
    for panel in board.panels:
        made = made.with_panel(drawn(panel))
    return made


def drawn(panel: Panel) -> Timeseries:
    made = Timeseries().title(panel.title).description(panel.says).unit(panel.unit).min(0).datasource(PROMETHEUS)
    for letter, (legend, query) in zip("ABCDEF", panel.queries.items(), strict=False):
        made = made.with_target(Dataquery().ref_id(letter).expr(query).legend_format(legend).datasource(PROMETHEUS))
    return made.span(WIDTH).height(HEIGHT)


def written(board: Board) -> str:
    text: str = JSONEncoder(sort_keys=True, indent=2).encode(built(board).build())
    return f"{text}\n"


def main(folder: str) -> None:
    for board in BOARDS:
        (Path(folder) / f"{board.name}.json").write_text(written(board))


if __name__ == "__main__":
    main(*sys.argv[1:])
