"""The settings by which a process comes into Kafka and encrypts its calls; the console reads them as well."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from careloop.chassis.calls.tls import TlsFiles
from careloop.chassis.relay.broker_access import BrokerAccess, SaslMechanism, SecurityProtocol

PREFIX = "CARELOOP_"


class KafkaSettings(BaseSettings):
    """Where the brokers are, and how a client of theirs shows who it is."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap: str = Field(min_length=1)
    kafka_security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    kafka_sasl_mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    kafka_sasl_username: str = ""
    kafka_sasl_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    """The authorities of the brokers' certificates; the system's own when not given."""
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None

    @model_validator(mode="after")
    def _a_password_goes_to_whom_it_is_for(self) -> Self:
        protocol = self.kafka_security_protocol
        if protocol.asks_for_a_password:
            for needed in ("kafka_sasl_username", "kafka_sasl_password_file"):
                if not getattr(self, needed):
                    raise ValueError(f"{variable('kafka_security_protocol')} {protocol} needs {variable(needed)}")
        if protocol is SecurityProtocol.SASL_PLAINTEXT and self.kafka_sasl_mechanism is SaslMechanism.PLAIN:
            raise ValueError(f"{variable('kafka_sasl_mechanism')} PLAIN shows the password: use SASL_SSL, or SCRAM")
        return self

    @model_validator(mode="after")
    def _a_certificate_has_its_key_and_is_shown(self) -> Self:
        all_or_none(self, "kafka_cert_file", "kafka_key_file")
        if self.kafka_cert_file is not None and not self.kafka_security_protocol.encrypts:
            raise ValueError(f"{variable('kafka_cert_file')} needs SSL or SASL_SSL as security protocol")
        return self

    def broker(self) -> BrokerAccess:
        """How this process comes into Kafka."""
        return BrokerAccess(
            self.kafka_bootstrap,
            protocol=self.kafka_security_protocol,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_sasl_username,
            password_file=self.kafka_sasl_password_file,
            authority=self.kafka_ca_file,
            certificate=self.kafka_cert_file,
            key=self.kafka_key_file,
        )


class GrpcSettings(BaseSettings):
    """The certificate of a service, its key, and the authorities by which it knows the others: all three or none."""

    grpc_cert_file: Path | None = None
    grpc_key_file: Path | None = None
    grpc_ca_file: Path | None = None
    grpc_mutual_tls: bool = False
    """Callers must show a certificate of one of `grpc_ca_file`."""

    @model_validator(mode="after")
    def _what_belongs_together_is_given_together(self) -> Self:
        all_or_none(self, "grpc_cert_file", "grpc_key_file", "grpc_ca_file")
        if self.grpc_mutual_tls and self.grpc_cert_file is None:
            raise ValueError(f"{variable('grpc_mutual_tls')} needs {variable('grpc_cert_file')}")
        return self

    def grpc_tls(self) -> TlsFiles | None:
        """None where gRPC is not encrypted."""
        if self.grpc_cert_file is None or self.grpc_key_file is None or self.grpc_ca_file is None:
            return None
        return TlsFiles(
            certificate=self.grpc_cert_file,
            key=self.grpc_key_file,
            authority=self.grpc_ca_file,
            mutual=self.grpc_mutual_tls,
        )


def all_or_none(settings: BaseSettings, *fields: str) -> None:
    """Raises ValueError naming what is not set beside the others."""
    missing = [field for field in fields if getattr(settings, field) is None]
    if missing and len(missing) < len(fields):
        raise ValueError(f"{', '.join(map(variable, fields))} go together: {variable(missing[0])} is not set")


def variable(field: str) -> str:
    """The environment variable that sets `field`."""
    return f"{PREFIX}{field.upper()}"
