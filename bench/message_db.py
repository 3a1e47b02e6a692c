"""message-db in a database of ours: the SQL files of its npm package, in the order of its own install script."""

from bench.peering import node_peers
from bench.servers import Database, connected

# Without its extension file: pgcrypto, which not every PostgreSQL has, was for gen_random_uuid(), now in the core.
FILES = (
    "schema/message-store",
    "tables/messages",
    "types/message",
    *(
        f"functions/{name}"
        for name in (
            "message-store-version",
            "hash-64",
            "acquire-lock",
            "category",
            "is-category",
            "id",
            "cardinal-id",
            "stream-version",
            "write-message",
            "get-stream-messages",
            "get-category-messages",
            "get-last-stream-message",
        )
    ),
    "indexes/messages-id",
    "indexes/messages-stream",
    "indexes/messages-category",
)


async def install_message_db(database: Database) -> None:
    """Schema, table, functions and indexes; its views and its role are not needed to append."""
    folder = node_peers() / "@eventide" / "message-db" / "database"
    async with connected(database.dsn) as server:
        await server.execute("set search_path = message_store, public")
        for name in FILES:
            await server.execute((folder / f"{name}.sql").read_text(encoding="utf-8"))
