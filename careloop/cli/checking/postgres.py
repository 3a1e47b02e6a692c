"""PostgreSQL: durable, discreet, and each role with what it needs and no more."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg

from careloop.chassis.operations.readiness import newest_migration
from careloop.cli.checking.addresses import is_local
from careloop.cli.checking.findings import Finding, Topic
from careloop.local.schemas import migrations_of
from careloop.local.settings import DATABASE, MIGRATOR, SERVICES

GROUP = "postgres"
SECONDS = 10.0
LEAST_VERSION = 18
SESSIONS_OF_A_PROCESS = 12
"""The pool's usual eight, and those that listen, relay and load."""

# What a statement or a failing row holds is patients' data; these are the values with which none of it is logged.
_DISCREET = {
    "log_statement": ("none", "ddl"),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_min_error_statement": ("panic", "fatal"),
    "log_error_verbosity": ("terse",),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
}
_MIGRATE = "run `careloop migrate` with an administrator's address"
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")

_SETTINGS = "select name, setting from pg_settings where name = any($1)"
_ROLES = """
    select rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin,
        array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid)
            as member_of,
        coalesce(rolconfig, '{}') as config
    from pg_roles r where rolname = any($1)"""
_PRIVILEGES = """
    select c.relname, pg_get_userbyid(c.relowner) as owner,
        has_table_privilege($1, c.oid, 'select') as may_read, has_table_privilege($1, c.oid, 'insert') as may_insert,
        has_any_column_privilege($1, c.oid, 'update') as may_update,
        has_table_privilege($1, c.oid, 'delete') as may_delete,
        has_table_privilege($1, c.oid, 'truncate') as may_truncate
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p')"""
_SCHEMAS = """
    select nspname, has_schema_privilege($1, oid, 'usage') as may_use,
        has_schema_privilege($1, oid, 'create') as may_create
    from pg_namespace where nspname = any($2)"""
_TRIGGER = """
    select tgenabled::text from pg_trigger
    where tgname = 'events_are_never_changed' and tgrelid = to_regclass($1)"""

_OPEN_TO_ALL = """
    select exists (
        select from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'CONNECT')"""


async def look(url: str, partitions: int, services: Sequence[str] = SERVICES) -> list[Finding]:
    """Never raises for what the server does or does not answer. `url` names the database, or else ours is looked at."""
    about = Topic(GROUP, "server")
    try:
        async with asyncio.timeout(SECONDS):
            connection = await opened(url)
    except (asyncpg.PostgresError, OSError, TimeoutError) as away:
        fix = "see that it runs, that CARELOOP_POSTGRES_URL names it, and that its certificate and password fit"
        return [about.failure("database-reachable", f"no answer: {type(away).__name__}", fix)]
    try:
        async with asyncio.timeout(SECONDS):
            return [
                about.ok("database-reachable", "it answers"),
                *await _server(connection, about, url),
                *[finding for service in services for finding in await _service(connection, service, partitions)],
            ]
    finally:
        await connection.close()


async def opened(url: str) -> asyncpg.Connection:
    """A connection to the database that the address names, or to ours where it names none or the administrator's."""
    return await asyncpg.connect(url, database=None if _names_a_database(url) else DATABASE)


def _names_a_database(url: str) -> bool:
    path = url.split("?", maxsplit=1)[0].partition("://")[2].partition("/")[2]
    return path not in {"", "postgres"}


async def _server(connection: asyncpg.Connection, about: Topic, url: str) -> list[Finding]:
    found = {row["name"]: row["setting"] for row in await connection.fetch(_SETTINGS, [*_DISCREET, *_DURABLE])}
    version = connection.get_server_version().major
    encrypted = await connection.fetchval("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    public = await connection.fetchval(_OPEN_TO_ALL)
    most = int(await connection.fetchval("show max_connections"))
    return [*judge_server(about, version, found, most), _encrypted(about, url, encrypted), _public(about, public)]


def judge_server(about: Topic, version: int, settings: Mapping[str, str], most: int) -> Iterator[Finding]:
    """What the server's version, settings and number of connections come to."""
    if version >= LEAST_VERSION:
        yield about.ok("database-version", f"PostgreSQL {version}")
    else:
        fix = f"upgrade it to {LEAST_VERSION}"
        yield about.failure("database-version", f"PostgreSQL {version} is older than Careloop is tested with", fix)
    off = [name for name in _DURABLE if settings.get(name) == "off"]
    if off:
        fix = f"set {', '.join(f'{name}=on' for name in off)}: services are not ready meanwhile"
        yield about.failure("database-durable", "what was answered OK may be lost with the power", fix)
    else:
        yield about.ok("database-durable", "an answered commit is on disk")
    told = [name for name, allowed in _DISCREET.items() if settings.get(name, allowed[0]) not in allowed]
    if told:
        fix = f"set {', '.join(f'{name}={_DISCREET[name][0]}' for name in told)}"
        yield about.failure("database-log", "statements or failing rows are logged, and they hold patients' data", fix)
    else:
        yield about.ok("database-log", "its log repeats no statement and no row")
    needed = SESSIONS_OF_A_PROCESS * len(SERVICES)
    if most >= needed:
        yield about.ok("connections-enough", f"{most} connections")
    else:
        fix = f"set max_connections to {needed} for each replica of all services, or lower CARELOOP_POOL_SIZE"
        yield about.warning("connections-enough", f"{most} connections, and one of each service may take {needed}", fix)


def _encrypted(about: Topic, url: str, encrypted: bool) -> Finding:
    host = url.split("?", maxsplit=1)[0].rpartition("@")[2].partition("/")[0]
    if encrypted or is_local(host) or is_local(f"{host}:5432"):
        return about.ok("database-encrypted", "the connection is encrypted, or does not leave this machine")
    fix = "add sslmode=verify-full and sslrootcert to the address, for the services too"
    return about.warning("database-encrypted", "patients' facts go over the network in the clear", fix)


def _public(about: Topic, public: bool) -> Finding:
    if not public:
        return about.ok("database-public", "only roles that are named may connect")
    return about.warning("database-public", "any role may connect", _MIGRATE)


async def _service(connection: asyncpg.Connection, service: str, partitions: int) -> list[Finding]:
    about = Topic(GROUP, service)
    roles = {row["rolname"]: row for row in await connection.fetch(_ROLES, [service, MIGRATOR])}
    if service not in roles:
        return [about.failure("role-exists", f"there is no role {service}", _MIGRATE)]
    role = roles[service]
    findings = [about.ok("role-exists", "its role exists"), _powers(about, role), _configured(about, role)]
    schemas = {row["nspname"]: row for row in await connection.fetch(_SCHEMAS, service, [*SERVICES, "public"])}
    if service not in schemas:
        return [*findings, about.failure("schema-exists", "its schema is missing", _MIGRATE)]
    tables = {row["relname"]: row for row in await connection.fetch(_PRIVILEGES, service)}
    findings += [about.ok("schema-exists", "its schema exists"), _foreign(about, service, schemas)]
    if "events" not in tables:
        return [*findings, about.failure("schema-version", "its tables are missing", "run `careloop migrate`")]
    trigger = await connection.fetchval(_TRIGGER, f"{service}.events")
    return [
        *findings,
        _version(about, await _applied(connection, service), newest_migration(migrations_of(service))),
        *judge_tables(about, service, tables, trigger),
        _partitions(about, await _relayed_partitions(connection, service), partitions),
    ]


def _powers(about: Topic, role: Mapping[str, Any]) -> Finding:
    powers = [name for name in ("super", "createdb", "createrole", "replication", "bypassrls") if role[f"rol{name}"]]
    if not role["rolcanlogin"]:
        return about.failure("role-powers", "its role may not log in", f"alter role {about.about} login")
    if powers or role["member_of"]:
        said = ", ".join([*powers, *(f"member of {group}" for group in role["member_of"])])
        without = " ".join("nosuperuser" if name == "super" else f"no{name}" for name in powers)
        groups = ", ".join(role["member_of"])
        fix = f"alter role {about.about} {without}" if powers else f"revoke {groups} from {about.about}"
        return about.failure("role-powers", f"its role may do more than its work: {said}", fix)
    return about.ok("role-powers", "its role has no power besides its grants")


def _configured(about: Topic, role: Mapping[str, Any]) -> Finding:
    set_so = [entry for entry in role["config"] if entry.partition("=")[0] in (*_DURABLE, *_DISCREET)]
    if set_so:
        fix = "; ".join(f"alter role {about.about} reset {entry.partition('=')[0]}" for entry in set_so)
        return about.failure("role-settings", f"its role overrides the server: {', '.join(set_so)}", fix)
    return about.ok("role-settings", "its role overrides no setting that matters")


def _foreign(about: Topic, service: str, schemas: Mapping[str, Mapping[str, Any]]) -> Finding:
    reached = [name for name, row in schemas.items() if name != service and row["may_use"]]
    made = [name for name, row in schemas.items() if row["may_create"]]
    if not schemas[service]["may_use"]:
        fix = f"grant usage on schema {service} to {service}"
        return about.failure("schema-access", "it may not enter its own schema", fix)
    if made:
        fix = "; ".join(f"revoke create on schema {name} from {service}" for name in made)
        return about.failure("schema-access", f"it may create in {', '.join(made)}", fix)
    if reached:
        fix = "; ".join(f"revoke usage on schema {name} from {service}, public" for name in reached)
        return about.failure("schema-access", f"it may enter {', '.join(reached)}, which is not its own", fix)
    return about.ok("schema-access", "it enters its own schema and no other")


def _version(about: Topic, applied: str, required: str) -> Finding:
    if applied >= required:
        return about.ok("schema-version", f"at {applied}")
    sentence = f"at {applied or 'nothing'}, and {required} is needed"
    return about.failure("schema-version", sentence, "run `careloop migrate`")


def judge_tables(
    about: Topic, service: str, tables: Mapping[str, Mapping[str, Any]], trigger: str | None
) -> Iterator[Finding]:
    """What the role may do to its tables: read and add facts, never change or take them away."""
    owned = sorted(name for name, row in tables.items() if row["owner"] == service)
    emptied = sorted(name for name, row in tables.items() if row["may_truncate"])
    lasting = [tables[name] for name in ("events", "commands", "journal") if name in tables]
    changed = [row["relname"] for row in lasting if row["may_update"] or row["may_delete"]]
    if owned or emptied or changed:
        wrong = sorted({*owned, *emptied, *changed})
        fix = "; ".join(f"revoke update, delete, truncate on {service}.{name} from {service}" for name in wrong)
        fix = fix if not owned else f"alter table {service}.{owned[0]} owner to {MIGRATOR}"
        yield about.failure("privileges", f"it may change or empty what must stay: {', '.join(wrong)}", fix)
    else:
        yield about.ok("privileges", "stored facts are not its to change")
    lacking = [row["relname"] for row in lasting if not (row["may_read"] and row["may_insert"])]
    if lacking:
        fix = "; ".join(f"grant select, insert on {service}.{name} to {service}" for name in lacking)
        yield about.failure("privileges-enough", f"it may not read or write {', '.join(lacking)}", fix)
    else:
        yield about.ok("privileges-enough", "it may read and add facts")
    if trigger == "A":
        yield about.ok("events-protected", "a change to stored facts is refused to everyone")
    else:
        fix = f"alter table {service}.events enable always trigger events_are_never_changed"
        yield about.failure("events-protected", "the trigger that refuses changes to stored facts is off", fix)


def _partitions(about: Topic, relayed: int | None, partitions: int) -> Finding:
    if relayed is None or relayed == partitions:
        return about.ok("relay-partitions", "its relay sends to the partitions that are set")
    fix = f"set CARELOOP_PARTITIONS={relayed}; how to change it: docs/operate/change.md"
    return about.failure("relay-partitions", f"it has sent to {relayed} partitions, and {partitions} are set", fix)


async def _applied(connection: asyncpg.Connection, service: str) -> str:
    try:
        return str(await connection.fetchval(f"select max(version) from {service}.schema_migrations") or "")  # noqa: S608
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return ""


async def _relayed_partitions(connection: asyncpg.Connection, service: str) -> int | None:
    found: int | None = await connection.fetchval(f"select partitions from {service}.relay_checkpoint")  # noqa: S608
    return found
