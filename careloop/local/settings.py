"""Where the local stack lives and how it is set up: environment variables with the prefix `CARELOOP_`."""

from pathlib import Path

from pydantic import Field, PostgresDsn, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("assessment", "prescribing", "monitoring", "notifications", "coordination")
"""The five services in the order in which they are started; also their schema names and login roles."""

DATABASE = "careloop"
MIGRATOR = "migrator"
"""The role that owns the schemas and runs the migrations; no service ever connects as it."""


class BadSetting(Exception):
    """A setting cannot be what it was set to; the sentence names the variable and repeats nothing of its value."""


class StackSettings(BaseSettings):
    """What may be set; everything has a default that works on a bare machine.

    `postgres_url` and `kafka_bootstrap` name servers that already run (their administrator's address);
    without them suitable ones of the machine, or else the packaged ones, are started on 127.0.0.1.
    """

    model_config = SettingsConfigDict(env_prefix="CARELOOP_", frozen=True, extra="ignore")

    home: Path = Path(".careloop")
    cache: Path | None = None
    postgres_url: PostgresDsn | None = None
    role_password: SecretStr | None = None
    postgres_port: int | None = Field(default=None, ge=1, le=65535)
    kafka_bootstrap: str | None = None
    kafka_port: int | None = Field(default=None, ge=1, le=65535)
    kafka_heap: str = Field(default="-Xms64m -Xmx256m -XX:TieredStopAtLevel=1", pattern=r"^(-X[\w:=+-]+ ?)+$")
    partitions: int = Field(default=6, ge=1, le=1000)
    replicas: int = Field(default=1, ge=1, le=9)

    @property
    def state_folder(self) -> Path:
        """The absolute path of the one folder that holds everything a second start resumes from."""
        return self.home.expanduser().resolve()

    @property
    def download_cache(self) -> Path:
        """Where verified downloads lie for every state folder of this user."""
        return (self.cache or Path("~/.cache/careloop")).expanduser().resolve()


def stack_settings(**values: object) -> StackSettings:
    """The settings with what was said on the command line going before the environment; None means not said.

    Raises BadSetting.
    """
    said = {name: value for name, value in values.items() if value is not None}
    try:
        return StackSettings(**said)  # type: ignore[arg-type]
    except ValidationError as refused:
        first = refused.errors(include_input=False, include_url=False)[0]
        raise BadSetting(f"CARELOOP_{str(first['loc'][0]).upper()}: {first['msg']}") from None
