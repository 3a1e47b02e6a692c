"""The statements that read a log. Names in them are quoted; see names.py."""

from collections.abc import Sequence
from uuid import UUID


def stream_query(
    table: str, stream: UUID, *, gt: int | None, lte: int | None, desc: bool, limit: int | None
) -> tuple[str, list[object]]:
    """The events of one stream in the order of their versions, columns as in StoredEvent but for the stream."""
    args: list[object] = [stream]
    sql = f"select originator_version, topic, state from {table} where originator_id = $1"  # noqa: S608
    for condition, value in (("originator_version >", gt), ("originator_version <=", lte)):
        if value is not None:
            args.append(value)
            sql += f" and {condition} ${len(args)}"
    sql += " order by originator_version" + (" desc" if desc else "")
    if limit is not None:
        args.append(limit)
        sql += f" limit ${len(args)}"
    return sql, args


def notifications_query(
    table: str, *, first: int | None, stop: int | None, topics: Sequence[str], limit: int
) -> tuple[str, list[object]]:
    """The log in its order, columns as in Notification; `first` and `stop` are both included."""
    args: list[object] = [limit]
    bounds = []
    for condition, value in (
        ("notification_id >= ${}", first),
        ("notification_id <= ${}", stop),
        ("topic = any(${}::text[])", list(topics) or None),
    ):
        if value is not None:
            args.append(value)
            bounds.append(condition.format(len(args)))
    where = f"where {' and '.join(bounds)}" if bounds else ""
    columns = "originator_id, originator_version, topic, state, notification_id"
    return f"select {columns} from {table} {where} order by notification_id limit $1", args  # noqa: S608
