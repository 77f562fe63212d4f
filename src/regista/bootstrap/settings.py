"""What an installation is told, by environment variables or flags; everything has a default that works on a laptop.

<home>/                      REGISTA_HOME, ~/.regista
├── catalog.sqlite           unless REGISTA_CATALOG names a PostgreSQL
├── stores/default/          unless REGISTA_STORE names another
├── keys/                    signing.pem, seal.key, owner.key: readable by the owner alone
├── tls/                     ca.pem, ca.key, server.pem, server.key, trust/ (ca.pem and the usual authorities, for jobs)
├── envs/  locks/            environments built from locks
├── work/                    attempts of jobs in hand
├── serving/                 workers of deployments in hand, the gateway's table
└── run/                     server.json: who serves, and where; server.lock: that one server does; workers/: which workers live
"""

import os
from pathlib import Path

import msgspec

from regista.errors import InvalidError


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, and how the server listens."""

    home: Path
    catalog: str
    store: str
    host: str = "127.0.0.1"
    port: int = 8470
    gateway_port: int = 8471
    workers: int = 2
    confine: bool | None = None
    job_log_bytes: int = 100 * 1024 * 1024
    """How much is kept of what a job prints: the first so many bytes."""
    log_bytes: int = 32 * 1024 * 1024
    """How large a log of the gateway or of a deployment's worker grows before it is put aside; one such is kept."""

    event_days: int = 30
    """How long events stay to be read, and ended messages to webhooks in their log; 0: for ever."""
    webhook_private: bool = False
    """Whether webhooks may lead into the own network and to this machine."""
    webhook_ca: str = ""
    """A PEM file of authorities that receivers of webhooks may be certified by, besides the system's."""
    webhook_timeout: float = 10.0
    """Seconds within which a receiver has to answer."""

    @property
    def keys(self) -> Path:
        """The folder of secrets."""
        return self.home / "keys"

    @property
    def tls(self) -> Path:
        """The folder of certificates."""
        return self.home / "tls"

    @property
    def work(self) -> Path:
        """The folder of jobs in hand."""
        return self.home / "work"

    @property
    def run(self) -> Path:
        """The folder in which a running server says where it is."""
        return self.home / "run"


_WEBHOOKS = ("event_days", "webhook_private", "webhook_ca", "webhook_timeout")


def home_from_environment() -> Path:
    """``REGISTA_HOME``, else ``~/.regista``."""
    return Path(os.environ.get("REGISTA_HOME") or Path.home() / ".regista").absolute()


def load_settings(**overrides: object) -> Settings:
    """Read the environment; *overrides* that are not None stand above it. Raise ``InvalidError`` naming a wrong variable."""
    given = {name: value for name, value in overrides.items() if value is not None}
    home = Path(str(given.pop("home", ""))).absolute() if "home" in given else home_from_environment()
    values: dict[str, object] = {
        "home": home,
        "catalog": os.environ.get("REGISTA_CATALOG") or f"sqlite:///{home / 'catalog.sqlite'}",
        "store": os.environ.get("REGISTA_STORE") or f"file://{home / 'stores' / 'default'}",
    }
    for name in ("host", "port", "gateway_port", "workers", "job_log_bytes", "log_bytes", *_WEBHOOKS):
        if text := os.environ.get(f"REGISTA_{name.upper()}"):
            values[name] = text
    try:
        return msgspec.convert(values | given, Settings, strict=False)
    except msgspec.ValidationError as wrong:
        raise InvalidError(f"a setting is wrong: {wrong}", hint="See: regista up --help") from wrong
