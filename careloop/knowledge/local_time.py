"""A client's own days and hours as moments in time, in their time zone, over every change of the clocks."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MIDNIGHT = time(0)


def zone_named(name: str) -> ZoneInfo:
    """The zone of this IANA name; UTC for one that this machine does not know, so that old facts stay readable."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which clocks in `zone` show `at` on `day`.

    A time that is left out when the clocks go forward is taken by the offset of before, so it falls after the change;
    of a time that comes twice it is the first. (Both are what fold 0 of PEP 495 means.)
    """
    return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day that calendars in `zone` show at `moment`."""
    return moment.astimezone(zone).date()


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of `day` in `zone`: its midnight, or what stands for it where the clocks skip that."""
    return instant(day, MIDNIGHT, zone)
