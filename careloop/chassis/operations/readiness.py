"""When a service is ready: its store answers, and the schema is at least the one this build was written for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

COMMON_MIGRATIONS = Path(__file__).parents[1] / "migrations"


class VersionedStore(Protocol):
    async def check_durability(self) -> None:
        """Raises when an acknowledged commit may be lost: then the process must not run."""
        ...

    async def schema_version(self) -> str: ...


def newest_migration(folders: Iterable[Path]) -> str:
    """The greatest version among the SQL files of these folders and the common one: what the schema must be at."""
    files = [file for folder in (COMMON_MIGRATIONS, *folders) for file in folder.glob("*.sql")]
    return max(file.name.split("_")[0] for file in files)


class StoreReadiness:
    """Asked again and again. Says False for an old schema; raises Unavailable when the store does not answer."""

    def __init__(self, store: VersionedStore, required: str) -> None:
        self._store = store
        self._required = required
        self._durable = False

    async def __call__(self) -> bool:
        if not self._durable:
            await self._store.check_durability()
            self._durable = True
        return await self._store.schema_version() >= self._required
