"""The catalog over SQL: hands a transaction, as the services know it, to a function that runs inside one of a database."""

import threading
from collections.abc import Callable
from typing import Self, TypeVar

from regista.drivers.catalog.sql.engines import Database, open_database
from regista.drivers.catalog.sql.repositories.access import AccessRows
from regista.drivers.catalog.sql.repositories.artifacts import ArtifactRows
from regista.drivers.catalog.sql.repositories.assets import AssetRows
from regista.drivers.catalog.sql.repositories.claims import BlobClaimRows
from regista.drivers.catalog.sql.repositories.datastores import DatastoreRows, FileRows
from regista.drivers.catalog.sql.repositories.endpoints import EndpointRows
from regista.drivers.catalog.sql.repositories.experiments import ExperimentRows
from regista.drivers.catalog.sql.repositories.groups import GroupRows
from regista.drivers.catalog.sql.repositories.jobs import JobRows
from regista.drivers.catalog.sql.repositories.journal import JournalRows
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


class Repositories:
    """A ``Transaction``: every repository, on one session."""

    def __init__(self, session: Session) -> None:
        self.settings: catalog.Settings = SettingRows(session)
        self.groups: catalog.GroupRepository = GroupRows(session)
        self.scopes: catalog.ScopeRepository = ScopeRows(session)
        self.assets: catalog.AssetRepository = AssetRows(session)
        self.versions: catalog.VersionRepository = VersionRows(session)
        self.claims: catalog.BlobClaimRepository = BlobClaimRows(session)
        self.jobs: catalog.JobRepository = JobRows(session)
        self.leases: catalog.LeaseRepository = LeaseRows(session)
        self.runs: catalog.RunDataRepository = RunDataRows(session)
        self.experiments: catalog.ExperimentRepository = ExperimentRows(session)
        self.artifacts: catalog.ArtifactRepository = ArtifactRows(session)
        self.webhooks: catalog.WebhookRepository = WebhookRows(session)
        self.llm_traces: catalog.LlmTraceRepository = LlmTraceRows(session)
        self.datastores: catalog.DatastoreRepository = DatastoreRows(session)
        self.files: catalog.FileRepository = FileRows(session)
        self.computes: catalog.ComputeRepository = ComputeRows(session)
        self.connections: catalog.ConnectionRepository = ConnectionRows(session)
        self.endpoints: catalog.EndpointRepository = EndpointRows(session)
        self.lineage: catalog.LineageRepository = LineageRows(session)
        self.access: catalog.AccessRepository = AccessRows(session)
        self.journal: catalog.Journal = JournalRows(session)


class SqlCatalog:
    """A ``Catalog`` in SQLite or PostgreSQL; ``open`` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inside = threading.local()

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

    def at_once(self, work: Callable[[], T]) -> T:
        return self._database.at_once(work)

    def in_turn(self, work: Callable[[], T], done: Callable[[T | None, BaseException | None], None]) -> None:
        self._database.in_turn(work, done)

    def close(self) -> None:
        self._database.close()

    def _within(self, work: Callable[[catalog.Transaction], T]) -> Callable[[Session], T]:
        """Refuse a transaction inside a transaction, which on some databases would wait for itself forever."""
        inside = self._inside
        if getattr(inside, "working", False):
            raise InternalError("the catalog was called from within a transaction", hint="Pass the transaction along.")

        def marked(session: Session) -> T:
            inside.working = True
            try:
                return work(Repositories(session))
            finally:
                inside.working = False

        return marked
