"""How a process comes into Kafka: where the brokers are, and by which certificates and password.

Files are read when a client is made. Whoever replaces a client after a failure therefore comes in with what the files
hold now: a renewed certificate or password needs no restart.
"""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from careloop.chassis.secret_files import read_password


class SecurityProtocol(StrEnum):
    """Kafka's own names: is the connection encrypted, and is a password asked for."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypts(self) -> bool:
        return self in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}

    @property
    def asks_for_a_password(self) -> bool:
        return self in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}


class SaslMechanism(StrEnum):
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """`bootstrap` is `host:port[,host:port]`. Without `authority` the system's own list of authorities is used."""

    bootstrap: str
    protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    username: str = ""
    password_file: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def arguments(self) -> dict[str, Any]:
        """What any of aiokafka's clients is given. Raises OSError when a file cannot be read or is no certificate."""
        given: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": str(self.protocol)}
        if self.protocol.encrypts:
            given["ssl_context"] = self._context()
        if self.protocol.asks_for_a_password:
            given |= {
                "sasl_mechanism": str(self.mechanism),
                "sasl_plain_username": self.username,
                "sasl_plain_password": "" if self.password_file is None else read_password(self.password_file),
            }
        return given

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context
