"""Apache Kafka's jars: exactly the pinned coordinates, each compared with its committed digest before anything runs."""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from careloop.local.unavailable import StackUnavailable


def pinned() -> dict[str, str]:
    """SHA-256 by Maven coordinate `group:artifact:version`."""
    text = files("careloop.local").joinpath("jars.sha256.json").read_text(encoding="utf-8")
    digests: dict[str, str] = json.loads(text)
    return digests


def fetch(cache: Path, digests: dict[str, str] | None = None) -> list[Path]:
    """The jar of every coordinate, cached or downloaded; one with another digest is never returned."""
    wanted = digests if digests is not None else pinned()
    cache.mkdir(parents=True, exist_ok=True)
    with _alone_in(cache), ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda pin: _verified(cache, *pin), wanted.items()))


def _verified(cache: Path, coordinate: str, digest: str) -> Path:
    cached = cache / _maven_path(coordinate)
    if cached.exists() and not _matches(cached, digest):
        cached.unlink()
    if not cached.exists():
        _download(cache, coordinate)
    if not cached.exists() or not _matches(cached, digest):
        cached.unlink(missing_ok=True)
        raise StackUnavailable(f"the jar {coordinate} does not have its pinned SHA-256 digest and is not used")
    return cached


def _download(cache: Path, coordinate: str) -> None:
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 - only the extra `local` has it
    except ImportError as error:
        raise StackUnavailable("jars are fetched with jgo: install `careloop[local]`") from error
    try:
        MavenContext(repo_cache=cache, local_repos=[], timeout=60).create_dependency(coordinate).artifact.resolve()
    except (OSError, RuntimeError, AssertionError) as error:
        raise StackUnavailable(f"the jar {coordinate} is not cached and could not be downloaded: {error}") from error


def _maven_path(coordinate: str) -> Path:
    group, artifact, version = coordinate.split(":")
    return Path(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def _matches(jar: Path, digest: str) -> bool:
    return hashlib.sha256(jar.read_bytes()).hexdigest() == digest


@contextmanager
def _alone_in(cache: Path) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
