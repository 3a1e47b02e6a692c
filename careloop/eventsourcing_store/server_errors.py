"""What PostgreSQL and its client raise, in the library's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)

# By the first two characters of the SQLSTATE, as psycopg classifies them (PEP 249).
_BY_CLASS: dict[str, type[PersistenceError]] = {
    "08": OperationalError,
    "0A": NotSupportedError,
    "20": ProgrammingError,
    "21": ProgrammingError,
    "22": DataError,
    "23": IntegrityError,
    "25": InternalError,
    "26": ProgrammingError,
    "28": OperationalError,
    "3D": ProgrammingError,
    "3F": ProgrammingError,
    "40": OperationalError,
    "42": ProgrammingError,
    "44": ProgrammingError,
    "53": OperationalError,
    "54": OperationalError,
    "55": OperationalError,
    "57": OperationalError,
    "58": OperationalError,
    "XX": InternalError,
}
# Their texts repeat values of the row.
_TELLS_VALUES = frozenset({"22", "23"})


@contextmanager
def library_errors() -> Iterator[None]:
    """Values of rows are not passed on: a message of the server is shown only where it cannot hold any."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise in_library_words(error) from None
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise in_library_words(error) from None


def in_library_words(error: Exception) -> Exception:
    """The library's error for this one; any other error is answered as it is."""
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error)
    if isinstance(error, OSError):
        return OperationalError(f"no answer from PostgreSQL ({type(error).__name__})")
    if isinstance(error, asyncpg.ClientConfigurationError):
        return ProgrammingError(str(error))
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return DataError("a value does not fit its column")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return InterfaceError(f"the connection to PostgreSQL cannot be used ({type(error).__name__})")
    return error


def _from_server(error: asyncpg.PostgresError) -> PersistenceError:
    state = error.sqlstate or "XX000"
    kind = _BY_CLASS.get(state[:2], DatabaseError)
    text = error.constraint_name or "value refused" if state[:2] in _TELLS_VALUES else error.args[0]
    return kind(f"{text} (SQLSTATE {state})")
