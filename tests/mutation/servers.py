"""One PostgreSQL and one Kafka for all runs of the tests, as starting them for each would take longer than the tests.

`python -m tests.mutation.servers` starts both, says where they are, and stops them when its input ends; as it does
when whoever started it is killed.
"""

import json
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.support.stack import KAFKA_OF_THE_TESTS, POSTGRES_OF_THE_TESTS, make_template, run, temporary_stack

RUNS = 50
"""After so many runs both start from nothing again, as topics that tests made are left over."""


class Servers:
    """Both, started when first asked for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._named: dict[str, str] = {}
        self._runs = 0

    def named(self) -> dict[str, str]:
        """The environment that names them to the next run of the tests."""
        self._runs += 1
        if self._runs > RUNS:
            self.stop()
        if self._process is None:
            self._start()
        return self._named

    def stop(self) -> None:
        """End both; the next run gets new ones."""
        if self._process is not None:
            self._process.communicate(timeout=60)
        self._process = None

    def _start(self) -> None:
        command = (sys.executable, "-m", "tests.mutation.servers")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._named = json.loads(self._process.stdout.readline())
        self._runs = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    with temporary_stack(trusting=True) as stack:
        run(stack.start_postgres())
        run(stack.start_kafka())
        make_template(stack)
        named = {POSTGRES_OF_THE_TESTS: stack.admin_url, KAFKA_OF_THE_TESTS: stack.kafka_address}
        print(json.dumps(named), flush=True)  # noqa: T201 - this is what it is for
        sys.stdin.read()


if __name__ == "__main__":
    main()
