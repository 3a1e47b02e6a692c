"""A whole system for tests: five processes on a PostgreSQL and an Apache Kafka of their own."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from careloop.local.local_stack import LocalStack
from careloop.local.supervisor import Supervisor, service_command
from careloop.local.unavailable import StackUnavailable
from tests.support.processes.running import System
from tests.support.stack import run, temporary_stack

SHORT_CLOCKS = {
    "CARELOOP_NOTICE_STAT_WINDOW_SECONDS": "3",
    "CARELOOP_NOTICE_URGENT_WINDOW_SECONDS": "3",
    "CARELOOP_IMPORT_WINDOW_SECONDS": "1",
    "CARELOOP_HEADS_INTERVAL_SECONDS": "0.5",
    "CARELOOP_EVIDENCE_MAX_AGE_SECONDS": "5",
    "CARELOOP_HOLE_PATIENCE_SECONDS": "1",
}


@contextmanager
def started_system(
    command: Callable[[str], Sequence[str]] = service_command,
    settings: Mapping[str, str] | None = None,
    stack_of: type[LocalStack] = LocalStack,
) -> Iterator[System]:
    """Up and healthy, each service's process made by `command` and given these settings besides its own.

    Where the machine cannot provide it the test is skipped, or fails when `CI` is set.
    """
    with temporary_stack(stack_of) as stack:
        environment = SHORT_CLOCKS | {"CARELOOP_NOTICE_FOLDER": str(stack.home / "mail")} | dict(settings or {})
        supervisor = Supervisor(stack, environment=environment, command=command)
        try:
            run(supervisor.start())
        except StackUnavailable as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        try:
            yield System(stack, supervisor)
        finally:
            run(supervisor.stop())
