"""The settings of the project itself: `ml-connector.yaml`."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from ml_connector.settings.alerts import AlertSettings
from ml_connector.settings.references import verify_encrypted, verify_reference
from ml_connector.settings.sign_in import SignInSettings
from ml_connector.settings.strict import Strict

__all__ = ["ArchiveSettings", "KeySettings", "PagesSettings", "ProjectSettings", "Strict"]

_BUCKET_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9][A-Za-z0-9._-]*)*/?")


class KeySettings(Strict):
    """Where the key that opens the stored secrets comes from: `keyring`, or else one of the others.

    Beside `keyring` the other may stay while secrets are still wrapped by its key.
    """

    file: Path | None = None
    """Key file, readable by its owner alone (mode 0600); keep it out of the backups of the
    state folder. A path is read from the project folder."""
    env: str = ""
    """Name of the environment variable that holds the key."""
    keyring: str = ""
    """Name of an entry in the operating system's keyring, where new keys go; needs
    `ml-connector[keyring]`."""

    @model_validator(mode="after")
    def _verify_sources(self) -> "KeySettings":
        if self.file is not None and self.env:
            raise ValueError("names exactly one of `file` and `env`")
        if self.file is None and not self.env and not self.keyring:
            raise ValueError("names none of `file`, `env` and `keyring`")
        return self


class PagesSettings(Strict):
    """Where `ml-connector serve` shows its pages."""

    host: str = "127.0.0.1"
    """Address it listens at; the default is reached from this machine only."""
    port: int = Field(default=8600, ge=0, le=65535)
    """Port it listens at; 0: any that is free."""
    url: str = ""
    """How browsers reach it, such as https://connector.example: the address of the proxy that
    speaks https for it. Empty: the address it listens at."""
    trusted_proxy: str = ""
    """Address of that proxy, such as 127.0.0.1 or 10.0.0.5: only from there `X-Forwarded-For` and
    `X-Forwarded-Proto` are believed. Empty: nobody's; wrong passwords are then counted by name
    alone where `url` names a proxy."""
    metrics: Literal["token", "open"] = "token"
    """Who reads `/metrics`: whoever shows a token with the right to see, or, where the network is
    the guard, everybody who reaches the port."""
    sign_in: SignInSettings = SignInSettings()
    """How people sign in."""

    @field_validator("trusted_proxy")
    @classmethod
    def _verify_address(cls, text: str) -> str:
        if text:
            ip_address(text)
        return text

    @model_validator(mode="after")
    def _verify_url(self) -> "PagesSettings":
        parts = urlsplit(self.url)
        if self.url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("`url` is not like https://connector.example")
        return self


class ArchiveSettings(Strict):
    """Where the archive is: a folder of the state folder, or a bucket of an S3-compatible store."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = ""
    """`s3://BUCKET` or `s3://BUCKET/PREFIX`; empty: the folder `archive` of the state folder."""
    endpoint: str = ""
    """`https://HOST` or `https://HOST:PORT` of the store; empty: Amazon S3. `http` on this machine
    only."""
    region: str = ""
    """The bucket's region; empty: `us-east-1` where an endpoint is named, otherwise what the
    machine's AWS configuration says."""
    access_key: str = ""
    """`secret:NAME`, `env:NAME` or `file:PATH`; empty: the usual AWS chain (environment, profile,
    role of the machine)."""
    secret_key: str = ""
    """As `access_key`; both or neither."""
    ca_bundle: Path | None = None
    """PEM file of the authorities to trust at the endpoint, instead of the system's own. A path is
    read from the project folder."""

    @field_validator("url")
    @classmethod
    def _verify_url(cls, text: str) -> str:
        if text and not _BUCKET_URL.fullmatch(text):
            raise ValueError("names no bucket; allowed: s3://BUCKET and s3://BUCKET/PREFIX")
        return text

    @field_validator("endpoint")
    @classmethod
    def _verify_endpoint(cls, text: str) -> str:
        parts = urlsplit(text)
        origin = f"{parts.scheme}://{parts.netloc}"
        if not text:
            return text
        if not parts.hostname or "@" in parts.netloc or text.rstrip("/") != origin:
            raise ValueError("not an address; allowed: https://HOST or https://HOST:PORT")
        verify_encrypted(parts)
        return origin

    @field_validator("access_key", "secret_key")
    @classmethod
    def _verify_reference(cls, text: str) -> str:
        return verify_reference(text) if text else text

    @model_validator(mode="after")
    def _verify_whole(self) -> "ArchiveSettings":
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("names `access_key` and `secret_key` both, or neither")
        if not self.url and (self.endpoint or self.region or self.access_key or self.ca_bundle):
            raise ValueError("has no `url`: name the bucket, or leave the other keys out")
        return self


class ProjectSettings(Strict):
    """`ml-connector.yaml`: where state lives, how logs look, which key opens the secrets."""

    organisation: str = "default"
    """The customer this project folder belongs to."""
    state: Path = Path(".state")
    """Folder of databases and archive, or of the copies of an archive in a bucket; from the project
    folder."""
    database_url: str = ""
    """Records database; empty: SQLite in `records.db` of the state folder."""
    engine_url: str = ""
    """Database of the durable engine; empty: SQLite in `engine.db` of the state folder."""
    archive: ArchiveSettings = ArchiveSettings()
    """Where the immutable files are."""
    log_format: Literal["console", "json"] = "console"
    """How log lines on stderr look."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """From which level on lines are logged. `info` tells each step of a run, `debug` each call of a
    system too; a secret is masked at every level, and bodies are never logged."""
    period_look_minutes: int = Field(default=10, ge=1, le=1440)
    """How often `serve` and workers ask an ERP how its periods stand, for schedules that follow
    them."""
    history_days: int = Field(default=400, ge=30, le=3660)
    """Days for which alerts that are over, messages about them, tests of connections and times of
    schedules that came are kept. Runs, postings, sign-offs and the audit chain are kept for
    ever."""
    pages: PagesSettings = PagesSettings()
    """The pages of `ml-connector serve`."""
    alerts: AlertSettings = AlertSettings()
    """Who is told of what."""
    key: KeySettings = KeySettings(file=Path(".key"))
    """Where the key that opens the stored secrets comes from."""
