"""Killing a service while commands flow, and bringing it back."""

import asyncio
import signal

from careloop.demo.requests import RecordingServices
from careloop.demo.waiting import until_found
from careloop.local.supervisor import Supervisor

REACHED_WITHIN_SECONDS = 60.0


class Outage:
    """`account` says, afterwards, what happened."""

    def __init__(self, supervisor: Supervisor, services: RecordingServices, service: str) -> None:
        self._supervisor = supervisor
        self._services = services
        self._service = service
        self.account = ""

    async def happen(self, kill_at: int, restart_at: int) -> None:
        """Kill when so many writes were acknowledged, start again when so many more were, without it."""
        await self._acknowledged(kill_at)
        before, began = self._services.acknowledged_writes, asyncio.get_running_loop().time()
        code = await self._supervisor.kill_service(self._service, signal.SIGKILL)
        await self._acknowledged(restart_at)
        meanwhile = self._services.acknowledged_writes - before
        self._supervisor.start_service(self._service)
        await self._supervisor.wait_healthy(self._service)
        away = asyncio.get_running_loop().time() - began
        self.account = (
            f"{self._service} was killed (-9, exit code {code}) in the middle of it; {meanwhile} more commands were "
            f"acknowledged before it was started again; it answered {away:.1f} s after the kill."
        )

    async def _acknowledged(self, writes: int) -> None:
        async def look() -> bool | None:
            return True if self._services.acknowledged_writes >= writes else None

        await until_found(look, REACHED_WITHIN_SECONDS, f"{writes} acknowledged writes")
