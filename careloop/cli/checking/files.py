"""Keys and certificates: there, fitting, current, and read by nobody else."""

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from careloop.chassis.calls.auth import SERVICE_KEY_PREFIX, KeysUnusable, read_public_keys
from careloop.chassis.calls.token_signing import public_key_set, read_private_key
from careloop.chassis.operations.certificates import ends_at
from careloop.cli.checking.findings import Finding, Topic

GROUP = "files"
SOON = timedelta(days=14)
OTHERS = 0o007
"""Permission bits of users who are neither owner nor of the file's group."""


class FileSettings(BaseSettings):
    """The files that a service's environment names; those of the state folder stand in where it names none."""

    model_config = SettingsConfigDict(env_prefix="CARELOOP_", frozen=True, extra="ignore")

    token_keys_file: Path | None = None
    service_key_file: Path | None = None
    postgres_password_file: Path | None = None
    kafka_sasl_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None
    grpc_cert_file: Path | None = None
    grpc_key_file: Path | None = None
    grpc_ca_file: Path | None = None

    def secrets(self) -> Iterator[Path]:
        """The files that only their owner may read."""
        for file in (
            self.service_key_file,
            self.postgres_password_file,
            self.kafka_sasl_password_file,
            self.kafka_key_file,
            self.grpc_key_file,
        ):
            if file is not None:
                yield file

    def pairs(self) -> Iterator[tuple[Path, Path]]:
        """Each certificate with its key."""
        named = (self.grpc_cert_file, self.grpc_key_file), (self.kafka_cert_file, self.kafka_key_file)
        for certificate, key in named:
            if certificate is not None and key is not None:
                yield certificate, key

    def certificates(self) -> Iterator[Path]:
        for file in (self.grpc_cert_file, self.kafka_cert_file, self.grpc_ca_file, self.kafka_ca_file):
            if file is not None:
                yield file


def look(files: FileSettings, own_keys: list[Path], now: datetime) -> list[Finding]:
    """`own_keys` are private keys besides those that the environment names."""
    private = [*own_keys, *([files.service_key_file] if files.service_key_file else [])]
    findings = [_readable_by_others(file) for file in (*own_keys, *files.secrets())]
    findings += [_fits(certificate, key) for certificate, key in files.pairs()]
    findings += [_current(file, now) for file in files.certificates()]
    if files.token_keys_file is not None:
        findings += _key_set(files.token_keys_file, private)
    return findings


def _about(file: Path) -> Topic:
    return Topic(GROUP, file.name)


def _readable_by_others(file: Path) -> Finding:
    about = _about(file)
    try:
        mode = file.stat().st_mode
    except OSError as missing:
        fix = "mount it, or set its variable to where it is"
        return about.failure("secret-readable", f"it cannot be looked at: {type(missing).__name__}", fix)
    if mode & OTHERS:
        return about.failure("secret-readable", "everybody on the machine may read it", f"chmod 0600 {file.name}")
    return about.ok("secret-readable", "others may not read it")


def _key_set(file: Path, private: list[Path]) -> list[Finding]:
    about = _about(file)
    try:
        believed = read_public_keys(file)
    except KeysUnusable as unusable:
        fix = "write a JWK set of public Ed25519 or P-256 keys, each with a `kid` of its own"
        return [about.failure("key-set", str(unusable), fix)]
    issuers = [kid for kid in believed if not kid.startswith(SERVICE_KEY_PREFIX)]
    findings = [about.ok("key-set", f"{len(believed)} key(s), {len(issuers)} of them of issuers")]
    if not issuers:
        fix = "add the public key of the issuer who signs people's tokens"
        findings.append(about.warning("key-set-issuers", "no person can call: it holds services' keys only", fix))
    public = {kid: key.as_dict(private=False) for kid, key in believed.items()}
    return [*findings, *(_believed(file, public) for file in private)]


def _believed(file: Path, public: Mapping[str, Mapping[str, object]]) -> Finding:
    about = _about(file)
    try:
        key = read_private_key(file)
    except KeysUnusable as unusable:
        return about.failure("private-key", str(unusable), "write a private Ed25519 or P-256 JWK with a `kid`")
    (own,) = public_key_set([key])["keys"]
    known = public.get(str(key["kid"]))
    if known is None:
        fix = f"add its public half to the key set, under {key['kid']}"
        return about.failure("private-key", "the key set does not have it: what it signs is refused", fix)
    if known.get("x") != own.get("x"):
        fix = f"put the public half of this key into the key set under {key['kid']}, or mount the key that is there"
        return about.failure("private-key", "the key set has another key of this name", fix)
    return about.ok("private-key", "what it signs is believed")


def _fits(certificate: Path, key: Path) -> Finding:
    about = _about(certificate)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as unusable:
        fix = f"write the certificate that belongs to {key.name}, or the key that belongs to it"
        return about.failure("certificate-key", f"it does not fit its key: {type(unusable).__name__}", fix)
    return about.ok("certificate-key", "it fits its key")


def _current(file: Path, now: datetime) -> Finding:
    about = _about(file)
    ends = ends_at(file)
    if ends is None:
        return about.failure("certificate-current", "no certificate can be read from it", "write it as PEM")
    if ends <= now:
        return about.failure("certificate-current", f"it ended on {_day(ends)}", "renew it now; no restart is needed")
    if ends - now <= SOON:
        return about.warning("certificate-current", f"it ends on {_day(ends)}", "renew it; no restart is needed")
    return about.ok("certificate-current", f"until {_day(ends)}")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
