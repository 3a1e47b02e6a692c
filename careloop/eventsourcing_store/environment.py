"""The library's own environment names for PostgreSQL, read as its own factory reads them."""

from collections.abc import Callable
from typing import Any

from eventsourcing.utils import Environment, resolve_topic, strtobool

from careloop.eventsourcing_store.connections import DatabaseAddress


def address_from(env: Environment) -> DatabaseAddress:
    """Where to connect. Raises OSError naming the variable that is missing, unreadable or not served here."""
    _refuse_other_forms(env)
    return DatabaseAddress(
        database=_required(env, "POSTGRES_DBNAME"),
        host=_required(env, "POSTGRES_HOST"),
        port=_whole(env, "POSTGRES_PORT", 5432),
        user=_required(env, "POSTGRES_USER"),
        password=_password(env),
        schema=(env.get("POSTGRES_SCHEMA") or "").strip() or "public",
        connect_timeout=_whole(env, "POSTGRES_CONNECT_TIMEOUT", 30),
        idle_in_transaction_timeout=_whole(env, "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT", 5),
        lock_timeout=_whole(env, "POSTGRES_LOCK_TIMEOUT", 0),
        unused_for=_number(env, "POSTGRES_CONN_MAX_AGE", 3600),
        connections=_whole(env, "POSTGRES_POOL_SIZE", 5) + _whole(env, "POSTGRES_MAX_OVERFLOW", 10),
    )


def creates_tables(env: Environment) -> bool:
    """Unless CREATE_TABLE says otherwise."""
    return strtobool(env.get("CREATE_TABLE") or "yes")


def _refuse_other_forms(env: Environment) -> None:
    if (env.get("ORIGINATOR_ID_TYPE") or "uuid").lower() != "uuid":
        raise OSError("ORIGINATOR_ID_TYPE must be 'uuid': this store names streams by UUID")
    if not strtobool(env.get("SINGLE_ROW_TRACKING") or "yes"):
        raise OSError("SINGLE_ROW_TRACKING must be true: this store keeps one row per followed application")


def _required(env: Environment, name: str) -> str:
    value = env.get(name)
    if value is None:
        raise OSError(f"{name} is not set in the environment")
    return value


def _password(env: Environment) -> str | Callable[[], str]:
    topic = env.get("POSTGRES_GET_PASSWORD_TOPIC")
    if not topic:
        return _required(env, "POSTGRES_PASSWORD")
    get_password: Callable[[], str] = resolve_topic(topic)
    return get_password


def _number(env: Environment, name: str, default: float, kind: Callable[[str], Any] = float) -> Any:
    text = env.get(name)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        raise OSError(f"{name} must be a number or empty, not {text!r}") from None


def _whole(env: Environment, name: str, default: int) -> int:
    number: int = _number(env, name, default, int)
    return number
