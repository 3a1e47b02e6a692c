"""Names in SQL text: quoting them, and deriving further names that PostgreSQL does not cut."""

from hashlib import sha256

from eventsourcing.persistence import ProgrammingError

LONGEST_BYTES = 63
"""PostgreSQL cuts longer identifiers silently, so that two could become one."""

_DIGEST_CHARACTERS = 24


def identifier(name: str) -> str:
    """A name as it stands in SQL text, whatever characters it has."""
    if not name or "\0" in name or len(name.encode()) > LONGEST_BYTES:
        raise ProgrammingError(f"not a usable name (at most {LONGEST_BYTES} bytes): {name!r}")
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def qualified(schema: str, name: str) -> str:
    """A name with its schema."""
    return f"{identifier(schema)}.{identifier(name)}"


def literal(text: str) -> str:
    """A text as a constant in SQL text, with `standard_conforming_strings` as it is by default."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def derived(*parts: str) -> str:
    """The parts joined, or a digest of them and the last part, where that would be too long."""
    joined = "_".join(parts)
    if len(joined.encode()) <= LONGEST_BYTES:
        return joined
    return f"careloop_{sha256(chr(31).join(parts).encode()).hexdigest()[:_DIGEST_CHARACTERS]}_{parts[-1]}"
