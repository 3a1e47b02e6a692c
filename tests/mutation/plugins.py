"""What is added to pytest: which tests run, what came of them, and whose lines are whose."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import coverage
import pytest

CURRENT_TEST = "CARELOOP_TEST_THAT_RUNS"
SERVERS = ("postgres", "kafka")


class Chosen:
    """Only these tests, in this order; or all, and how long each took."""

    def __init__(self, tests: Sequence[str] | None, told: Path) -> None:
        self._place = None if tests is None else {test: place for place, test in enumerate(tests)}
        self._told = told
        self._failed: list[str] = []
        self._served: list[str] = []
        self._seconds: dict[str, float] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._place is not None:
            place = self._place
            items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])
        self._served = [item.nodeid for item in items if any(item.get_closest_marker(name) for name in SERVERS)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed and report.nodeid not in self._failed:
            self._failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        told = {"failed": self._failed, "seconds": self._seconds, "served": self._served}
        self._told.write_text(json.dumps(told))


class WhoseLines:
    """Every line that runs is noted under the test that runs, in processes that it starts too."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        os.environ[CURRENT_TEST] = item.nodeid
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context("")
