"""When a process's certificates end."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography import x509


def ends_at(file: Path) -> datetime | None:
    """When the first certificate of the file to end does so; None when the file holds none that can be read."""
    try:
        return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError):
        return None


def ends(files: Mapping[str, Path | None]) -> dict[str, datetime]:
    """The same for each name that has a readable file."""
    moments = {name: ends_at(file) for name, file in files.items() if file is not None}
    return {name: moment for name, moment in moments.items() if moment is not None}
