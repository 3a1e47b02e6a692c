"""The tables of a log and of tracking, and the function that appends: their names, their SQL, their making."""

from dataclasses import dataclass
from importlib.resources import files

from eventsourcing.persistence import ProgrammingError

from careloop.eventsourcing_store.datastore import Datastore, Transaction
from careloop.eventsourcing_store.names import derived, identifier, literal, qualified

_SQL = files("careloop.eventsourcing_store") / "sql"


def _sql(file: str, **names: str) -> str:
    return (_SQL / file).read_text("utf-8").format(**names)


@dataclass(frozen=True, slots=True)
class TrackingTable:
    """How far the applications that one projection follows have been processed."""

    schema: str
    table: str

    @property
    def name(self) -> str:
        return qualified(self.schema, self.table)

    @property
    def track(self) -> str:
        """The statement that records one position; it answers no row when that is not greater than the last."""
        return _sql("track.sql", tracking=self.name)

    def make(self, transaction: Transaction) -> None:
        if not _exists(transaction, self.schema, self.table, form_shown_by="insert_id"):
            transaction.execute(_sql("tracking.sql", tracking=self.name))


@dataclass(frozen=True, slots=True)
class LogTable:
    """One log. With `tracking`, an insert may record a position there in the same transaction."""

    schema: str
    table: str
    tracking: TrackingTable | None = None

    @property
    def name(self) -> str:
        return qualified(self.schema, self.table)

    @property
    def channel(self) -> str:
        """Where each batch of new events is announced, with the log's last position."""
        return derived(self.schema, self.table, "events")

    @property
    def append(self) -> str:
        """The function that alone inserts."""
        return qualified(self.schema, derived(self.table, "append_tracked" if self.tracking else "append"))

    def make(self, transaction: Transaction) -> None:
        if not _exists(transaction, self.schema, self.table, form_shown_by="event_id"):
            refuse_change = qualified(self.schema, "careloop_refuse_change")
            transaction.execute(_sql("log.sql", table=self.name, refuse_change=refuse_change))
        track = ""
        if self.tracking:
            self.tracking.make(transaction)
            track = _sql("append_tracked.sql", tracking=self.tracking.name)
        transaction.execute(
            _sql(
                "append.sql",
                append=self.append,
                table=self.name,
                track=track,
                channel=literal(self.channel),
                lock_name=literal(f"careloop log {self.name}"),
            )
        )


def make(datastore: Datastore, table: LogTable | TrackingTable) -> None:
    """Make what is missing, also where another is making it now. Raises ProgrammingError where the role may not."""
    identifier(table.table)
    with datastore.transaction() as transaction:
        transaction.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"careloop tables {table.schema}")
        table.make(transaction)


def _exists(transaction: Transaction, schema: str, table: str, *, form_shown_by: str) -> bool:
    """Raises ProgrammingError when a table of this name has another form, as the library's own has."""
    columns = transaction.fetchval(
        """select array_agg(a.attname::text) from pg_catalog.pg_attribute a
           join pg_catalog.pg_class c on c.oid = a.attrelid
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped""",
        schema,
        table,
    )
    if columns is not None and form_shown_by not in columns:
        raise ProgrammingError(f"table {table!r} is not of this store's form; use a schema of its own")
    return columns is not None
