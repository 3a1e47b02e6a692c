"""The settings of one service process, read once from the environment (`CARELOOP_...`) and never changed."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from careloop.chassis.process.transport import PREFIX, GrpcSettings, KafkaSettings, variable


class SettingsInvalid(Exception):
    """The process cannot start. The text names the variables that are wrong, never their values."""


class ServiceSettings(KafkaSettings, GrpcSettings):
    """Durations are seconds. The order of the timeouts is checked: each wait ends before the one around it does."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    service: str = Field(pattern=r"^[a-z][a-z-]{0,30}$")
    instance: str = Field(default="0", pattern=r"^[A-Za-z0-9._-]{1,60}$")
    """This process's name among the replicas of its service, the same after a restart; a pod's ordinal will do."""
    postgres_dsn: str = Field(min_length=1, repr=False)
    """As libpq writes it; `sslmode`, `sslrootcert`, `sslcert` and `sslkey` may stand in its query."""
    postgres_password_file: Path | None = None
    """Goes before a password in the address, and is read for every new connection."""
    grpc_max_connection_age_seconds: float = Field(default=0, ge=0)
    """A client is asked to connect again after so long, and finds replicas that came later; 0 asks nobody."""
    grpc_host: str = "127.0.0.1"
    grpc_port: int = Field(ge=0, le=65535)
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65535)
    partitions: int = Field(default=6, ge=1, le=1024)
    token_keys_file: Path
    """The public keys (a JWK set) by which callers' tokens are verified."""
    service_key_file: Path
    """The private JWK with which this service signs its own tokens for calls to peers."""
    peers: dict[str, str] = Field(default_factory=dict)
    """Where the other services answer: service name to `host:port`."""
    legal_dates_file: Path | None = None
    """Ends of legal rules that moved; the pack of clinical rules reads the file itself."""
    on_call_phone: str = Field(default="", max_length=60)
    """The programme's number that somebody answers at any hour, as clients read it in an emergency."""
    evidence_max_age_seconds: float = Field(default=30, gt=0)
    heads_interval_seconds: float = Field(default=2, gt=0)
    hole_patience_seconds: float = Field(default=5, gt=0)
    revive_after_seconds: float = Field(default=10, gt=0)
    """A subscription that lags and has not moved for so long gets a new Kafka client."""
    stuck_after_seconds: float = Field(default=30, gt=0)
    grace_seconds: float = Field(default=15, gt=0)
    max_deadline_seconds: float = Field(default=10, gt=0)
    """No unary call runs longer, whatever deadline the caller set."""
    max_stream_seconds: float = Field(default=600, gt=0)
    """No stream runs longer, nor longer than its caller's token is valid; callers go on after the last answer."""
    statement_timeout_seconds: float = Field(default=5, gt=0)
    pool_timeout_seconds: float = Field(default=2, gt=0)
    pool_size: int = Field(default=8, ge=2, le=200)
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$")
    """Where a collector takes traces over gRPC, as `http://collector:4317`; without it none are made."""
    trace_ratio: float = Field(default=1, ge=0, le=1)
    """Which part of all traces is collected: the same for every service, or traces have gaps."""
    clock_file: Path | None = None
    """Of a local stack whose clock may be set ahead: the file that says how far. Refused unless `local`."""
    local: bool = False
    """A developer's machine: gRPC reflection is on, and a call without a deadline gets the longest one."""

    @model_validator(mode="after")
    def _only_a_local_stack_has_a_clock_of_its_own(self) -> Self:
        if self.clock_file is not None and not self.local:
            raise ValueError(f"{variable('clock_file')} is for a local stack only")
        return self

    @model_validator(mode="after")
    def _each_wait_ends_before_the_one_around_it(self) -> Self:
        rising = ("pool_timeout_seconds", "statement_timeout_seconds", "max_deadline_seconds", "grace_seconds")
        for inner, outer in pairwise(rising):
            if getattr(self, inner) >= getattr(self, outer):
                raise ValueError(f"{variable(inner)} must be less than {variable(outer)}")
        return self


Model = TypeVar("Model", bound=BaseSettings)


def read_settings(model: type[ServiceSettings] = ServiceSettings, **values: Any) -> ServiceSettings:
    """The settings of a service. Raises SettingsInvalid naming what is wrong."""
    return read_model(model, **values)


def read_model(model: type[Model], **values: Any) -> Model:
    """The settings from the environment, `values` going first. Raises SettingsInvalid naming what is wrong."""
    try:
        return model(**values)
    except ValidationError as invalid:
        problems = "; ".join(_problem(error["loc"], error["msg"]) for error in invalid.errors(include_input=False))
    except SettingsError as invalid:
        named = re.search(r'field "(\w+)"', str(invalid))
        problems = f"{variable(named[1]) if named else PREFIX}: not valid JSON"
    raise SettingsInvalid(f"Settings are wrong: {problems}")


def _problem(location: tuple[int | str, ...], message: str) -> str:
    sentence = message.removeprefix("Value error, ")
    return f"{variable(str(location[0]))}: {sentence}" if location else sentence
