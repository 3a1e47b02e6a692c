"""Addresses: does what is said to them leave this machine."""

from ipaddress import ip_address


def is_local(address: str) -> bool:
    """Whether `host:port` is this machine's own; a name that is not `localhost` is taken to be elsewhere."""
    host = address.strip().rpartition(":")[0].strip("[]") or address.strip()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
