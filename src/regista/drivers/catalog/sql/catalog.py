"""The catalog over SQL: hands a transaction, as the services know it, to a function that runs inside one of a database."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Self, TypeVar

from regista.drivers.catalog.sql.engines import Database, open_database
from regista.drivers.catalog.sql.repositories.access import AccessRows
from regista.drivers.catalog.sql.repositories.artifacts import ArtifactRows
from regista.drivers.catalog.sql.repositories.assets import AssetRows
from regista.drivers.catalog.sql.repositories.claims import BlobClaimRows
from regista.drivers.catalog.sql.repositories.datastores import DatastoreRows, FileRows
from regista.drivers.catalog.sql.repositories.endpoints import EndpointRows
from regista.drivers.catalog.sql.repositories.experiments import ExperimentRows
from regista.drivers.catalog.sql.repositories.groups import GroupRows
from regista.drivers.catalog.sql.repositories.histories import HistoryRows
from regista.drivers.catalog.sql.repositories.jobs import JobRows
from regista.drivers.catalog.sql.repositories.journal import JournalRows
from regista.drivers.catalog.sql.repositories.keys import KeyRows
from regista.drivers.catalog.sql.repositories.leases import LeaseRows
from regista.drivers.catalog.sql.repositories.lineage import LineageRows
from regista.drivers.catalog.sql.repositories.llm_traces import LlmTraceRows
from regista.drivers.catalog.sql.repositories.resources import ComputeRows, ConnectionRows
from regista.drivers.catalog.sql.repositories.runs import RunDataRows
from regista.drivers.catalog.sql.repositories.scopes import ScopeRows
from regista.drivers.catalog.sql.repositories.settings import SettingRows
from regista.drivers.catalog.sql.repositories.versions import VersionRows
from regista.drivers.catalog.sql.repositories.webhooks import WebhookRows
from regista.drivers.catalog.sql.schema import prepare
from regista.drivers.catalog.sql.session import Session
from regista.errors import InternalError
from regista.interfaces import catalog

T = TypeVar("T")


_ROWS: Mapping[str, Callable[[Session], Any]] = {
    "settings": SettingRows,
    "groups": GroupRows,
    "scopes": ScopeRows,
    "assets": AssetRows,
    "versions": VersionRows,
    "claims": BlobClaimRows,
    "jobs": JobRows,
    "leases": LeaseRows,
    "runs": RunDataRows,
    "histories": HistoryRows,
    "experiments": ExperimentRows,
    "artifacts": ArtifactRows,
    "webhooks": WebhookRows,
    "llm_traces": LlmTraceRows,
    "datastores": DatastoreRows,
    "files": FileRows,
    "computes": ComputeRows,
    "connections": ConnectionRows,
    "endpoints": EndpointRows,
    "lineage": LineageRows,
    "access": AccessRows,
    "keys": KeyRows,
    "journal": JournalRows,
}
"""By the attribute of a transaction."""

_INSIDE: ContextVar[object] = ContextVar("inside", default=None)
"""The catalog in a transaction of which this thread, or this greenlet, is."""


class Repositories:
    """A ``Transaction``: every repository, on one session. Each is made when it is first asked for: most need a few."""

    settings: catalog.Settings
    groups: catalog.GroupRepository
    scopes: catalog.ScopeRepository
    assets: catalog.AssetRepository
    versions: catalog.VersionRepository
    claims: catalog.BlobClaimRepository
    jobs: catalog.JobRepository
    leases: catalog.LeaseRepository
    runs: catalog.RunDataRepository
    histories: catalog.HistoryRepository
    experiments: catalog.ExperimentRepository
    artifacts: catalog.ArtifactRepository
    webhooks: catalog.WebhookRepository
    llm_traces: catalog.LlmTraceRepository
    datastores: catalog.DatastoreRepository
    files: catalog.FileRepository
    computes: catalog.ComputeRepository
    connections: catalog.ConnectionRepository
    endpoints: catalog.EndpointRepository
    lineage: catalog.LineageRepository
    access: catalog.AccessRepository
    keys: catalog.KeyRepository
    journal: catalog.Journal

    def __init__(self, session: Session) -> None:
        self._session = session
        session.rows = {}

    def __getattr__(self, name: str) -> Any:
        if name not in _ROWS:
            raise AttributeError(name)
        made = _ROWS[name](self._session)
        setattr(self, name, made)
        return made


class SqlCatalog:
    """A ``Catalog`` in SQLite or PostgreSQL; ``open`` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the catalog at *url* (``engines.py`` has the forms), its schema up to date or brought there.

        Raise ``InvalidError`` for a URL of no known form, ``ConflictError`` when another process owns the SQLite file,
        ``UnsupportedError`` when a newer Regista made it, ``UnavailableError`` when the server does not answer."""
        return cls(open_database(url, prepare))

    def read(self, work: Callable[[catalog.Transaction], T]) -> T:
        return self._database.read(self._within(work))

    def write(self, work: Callable[[catalog.Transaction], T]) -> T:
        return self._database.write(self._within(work))

    @property
    def near(self) -> bool:
        return self._database.near

    def at_once(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        self._database.at_once(work, done)

    def in_turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        self._database.in_turn(work, done)

    def close(self) -> None:
        self._database.close()

    def _within(self, work: Callable[[catalog.Transaction], T]) -> Callable[[Session], T]:
        """Refuse a transaction inside a transaction, which on some databases would wait for itself forever."""
        if _INSIDE.get() is self:
            raise InternalError("the catalog was called from within a transaction", hint="Pass the transaction along.")

        def marked(session: Session) -> T:
            outside = _INSIDE.set(self)
            try:
                return work(Repositories(session))
            finally:
                _INSIDE.reset(outside)

        return marked
