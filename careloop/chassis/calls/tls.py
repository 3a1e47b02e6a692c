"""TLS of the gRPC calls: the server's certificate, the callers' where both sides show one, and their renewal.

A certificate that was renewed on disk is used from the next connection on, without a restart. While the files do not
fit together, as between the two writes of a renewal, the one before stays in use.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import structlog


class TlsUnusable(Exception):
    """The files cannot be used; the text says which, and holds nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """PEM texts: our certificate with those that lead to its authority, its key, and the authorities we believe."""

    certificate: bytes
    key: bytes
    authority: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Where a process finds its own certificate and key, and the authorities by which it knows the other side.

    `mutual`: who calls must show a certificate of one of these authorities, too.
    """

    certificate: Path
    key: Path
    authority: Path
    mutual: bool = False

    def read(self) -> Material:
        """What the files hold now. Raises TlsUnusable when one is unreadable or they do not fit together."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_verify_locations(self.authority)
            context.load_cert_chain(self.certificate, self.key)
            return Material(
                certificate=self.certificate.read_bytes(),
                key=self.key.read_bytes(),
                authority=self.authority.read_bytes(),
            )
        except OSError as unusable:  # ssl.SSLError is one
            raise TlsUnusable(f"the certificate files are not usable: {type(unusable).__name__}") from None


class Renewed:
    """What the files last held that could be used."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.material = files.read()

    def changed(self) -> bool:
        """Look again; True when there is something new to use."""
        try:
            found = self._files.read()
        except TlsUnusable as unusable:
            structlog.get_logger().warning("certificate not usable", error_type=type(unusable).__name__)
            return False
        if found == self.material:
            return False
        self.material = found
        structlog.get_logger().info("certificate renewed")
        return True


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that look at the files at every new connection. Raises TlsUnusable when they cannot be used now."""
    renewed = Renewed(files)

    def configuration() -> grpc.ServerCertificateConfiguration:
        material = renewed.material
        return grpc.ssl_server_certificate_configuration(
            [(material.key, material.certificate)], root_certificates=material.authority
        )

    return grpc.dynamic_ssl_server_credentials(
        configuration(),
        # None keeps what is in use, which the stubs do not know.
        lambda: configuration() if renewed.changed() else None,  # type: ignore[arg-type,return-value]
        require_client_authentication=files.mutual,
    )


class PeerChannels:
    """One channel per address, encrypted where there are files; a new one after a renewal. Closes them at the end."""

    def __init__(self, tls: TlsFiles | None, options: Sequence[tuple[str, Any]]) -> None:
        self._renewed = None if tls is None else Renewed(tls)
        self._options = options
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._retired: list[grpc.aio.Channel] = []

    def to(self, address: str) -> grpc.aio.Channel:
        if self._renewed is not None and self._renewed.changed():
            # Calls in hand go on on the channels that they began on.
            self._retired += self._channels.values()
            self._channels.clear()
        if address not in self._channels:
            self._channels[address] = self._open(address)
        return self._channels[address]

    def _open(self, address: str) -> grpc.aio.Channel:
        if self._renewed is None:
            return grpc.aio.insecure_channel(address, options=self._options)
        material = self._renewed.material
        credentials = grpc.ssl_channel_credentials(material.authority, material.key, material.certificate)
        return grpc.aio.secure_channel(address, credentials, options=self._options)

    async def close(self) -> None:
        for channel in (*self._retired, *self._channels.values()):
            await channel.close()
