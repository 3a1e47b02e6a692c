"""Backups: is there one, is it young enough, is it whole, and may nobody else read it."""

import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from careloop.cli.checking.findings import Finding, Topic
from careloop.local.backups import BackupFailed, Manifest, parsed_manifest

GROUP = "recovery"
OLDEST = timedelta(hours=26)
"""A day, and what a slow one takes."""
MAKE = "make one with `careloop backup`, every day"


def look(folder: Path, now: datetime) -> list[Finding]:
    """What is to be said of the backups that `careloop backup` wrote into a folder. Their content is not read."""
    about = Topic(GROUP, str(folder))
    try:
        manifests = sorted(folder.glob("*.json"))
    except OSError as unreadable:
        return [about.unknown("backup-age", f"the folder cannot be read: {type(unreadable).__name__}", "see its mode")]
    return [*_newest(about, manifests, now), *(finding for file in manifests for finding in _one(file))]


def nowhere_known() -> Finding:
    """Nobody said where backups lie."""
    fix = "name their folder with --backups, or look at those of your own means"
    return Topic(GROUP, "backups").unknown("backup-age", "nobody said where backups lie", fix)


def _newest(about: Topic, manifests: Sequence[Path], now: datetime) -> Iterator[Finding]:
    taken = [datetime.fromisoformat(found.taken_at) for found in map(_read, manifests) if found is not None]
    if not taken:
        yield about.failure("backup-age", "there is no backup in it", MAKE)
        return
    age = now - max(taken)
    said = f"the newest is of {max(taken):%Y-%m-%d %H:%M} UTC, {age.total_seconds() / 3600:.0f} hours old"
    yield about.ok("backup-age", said) if age <= OLDEST else about.failure("backup-age", said, MAKE)


def _read(file: Path) -> Manifest | None:
    try:
        return parsed_manifest(file)
    except BackupFailed:
        return None


def _one(file: Path) -> Iterator[Finding]:
    """Of what a manifest says lies beside it."""
    dump = file.with_name(file.name.removesuffix(".json"))
    about, manifest = Topic(GROUP, dump.name), _read(file)
    if manifest is None:
        yield about.failure("backup-whole", f"{file.name} cannot be read", MAKE)
    elif not dump.exists() or dump.stat().st_size != manifest.size:
        yield about.failure("backup-whole", "it is not what its manifest says: missing, or cut short", MAKE)
    elif dump.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield about.failure("backup-readable", "others may read patients' data in it", f"chmod 600 {dump.name}")
    else:
        yield about.ok("backup-whole", "it has the size that its manifest says, and is its owner's alone")
