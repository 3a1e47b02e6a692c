"""How the console encrypts its calls: by the same settings as the services."""

from pathlib import Path

import grpc
from pydantic_settings import BaseSettings, SettingsConfigDict


class CallerFiles(BaseSettings):
    """The authorities by which services are known, and the caller's own certificate where they ask for one."""

    model_config = SettingsConfigDict(env_prefix="CARELOOP_", frozen=True, extra="ignore")

    grpc_ca_file: Path | None = None
    grpc_cert_file: Path | None = None
    grpc_key_file: Path | None = None


def caller_credentials() -> grpc.ChannelCredentials | None:
    """None where CARELOOP_GRPC_CA_FILE is not set: calls are then not encrypted. Raises OSError."""
    files = CallerFiles()
    if files.grpc_ca_file is None:
        return None
    own = (files.grpc_key_file, files.grpc_cert_file)
    key, certificate = (None if file is None else file.read_bytes() for file in own)
    return grpc.ssl_channel_credentials(files.grpc_ca_file.read_bytes(), key, certificate)
