"""Secrets that lie in files, as an orchestrator mounts them: read as text, and used again when they change."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

LOOK_EVERY_SECONDS = 2.0


def read_password(file: Path) -> str:
    """The file's text without the line break that editors add. Raises OSError, also for what is not text."""
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise OSError(0, "not text", str(file)) from None


class SecretFile:
    """A file that is used again when its content changed: `use` gets its path, and raises `refuses` for a bad one."""

    def __init__(self, path: Path, use: Callable[[Path], None], refuses: type[Exception]) -> None:
        self._path = path
        self._use = use
        self._refuses = refuses
        self._seen = _content(path)

    def look(self) -> None:
        """Use what the file holds now, if that is new. What cannot be used is a line in the log, and what was in use
        stays so: a rotation that went wrong must not stop a service that works."""
        found = _content(self._path)
        if found == self._seen:
            return
        self._seen = found
        try:
            self._use(self._path)
        except self._refuses as unusable:
            structlog.get_logger().error("secret not usable", error_type=type(unusable).__name__)
        else:
            structlog.get_logger().info("secret renewed")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


async def keep_looking(files: Iterable[SecretFile], stopping: asyncio.Event) -> None:
    """Until asked to stop."""
    watched = list(files)
    while not stopping.is_set():
        for file in watched:
            file.look()
        try:
            await asyncio.wait_for(stopping.wait(), LOOK_EVERY_SECONDS)
        except TimeoutError:
            continue
