"""The catalog over SQL: hands a transaction, as the services know it, to a function that runs inside one of a database."""

import threading
from collections.abc import Callable
from typing import Self, TypeVar

from regista.drivers.catalog.sql.engines import Database, open_database
from regista.drivers.catalog.sql.repositories.access import SqlAccessRepository
from regista.drivers.catalog.sql.repositories.artifacts import SqlArtifactRepository
from regista.drivers.catalog.sql.repositories.assets import SqlAssetRepository
from regista.drivers.catalog.sql.repositories.claims import SqlBlobClaimRepository
from regista.drivers.catalog.sql.repositories.endpoints import SqlEndpointRepository
from regista.drivers.catalog.sql.repositories.experiments import SqlExperimentRepository
from regista.drivers.catalog.sql.repositories.groups import SqlGroupRepository
from regista.drivers.catalog.sql.repositories.jobs import SqlJobRepository
from regista.drivers.catalog.sql.repositories.journal import SqlJournal
from regista.drivers.catalog.sql.repositories.leases import SqlLeaseRepository
from regista.drivers.catalog.sql.repositories.lineage import SqlLineageRepository
from regista.drivers.catalog.sql.repositories.runs import SqlRunDataRepository
from regista.drivers.catalog.sql.repositories.scopes import SqlScopeRepository
from regista.drivers.catalog.sql.repositories.settings import SqlSettings
from regista.drivers.catalog.sql.repositories.versions import SqlVersionRepository
from regista.drivers.catalog.sql.schema import prepare
from regista.drivers.catalog.sql.session import Session
from regista.errors import InternalError
from regista.interfaces import catalog

T = TypeVar("T")


class SqlTransaction:
    """The repositories, all on one session."""

    def __init__(self, session: Session) -> None:
        self.settings: catalog.Settings = SqlSettings(session)
        self.groups: catalog.GroupRepository = SqlGroupRepository(session)
        self.scopes: catalog.ScopeRepository = SqlScopeRepository(session)
        self.assets: catalog.AssetRepository = SqlAssetRepository(session)
        self.versions: catalog.VersionRepository = SqlVersionRepository(session)
        self.claims: catalog.BlobClaimRepository = SqlBlobClaimRepository(session)
        self.jobs: catalog.JobRepository = SqlJobRepository(session)
        self.leases: catalog.LeaseRepository = SqlLeaseRepository(session)
        self.runs: catalog.RunDataRepository = SqlRunDataRepository(session)
        self.experiments: catalog.ExperimentRepository = SqlExperimentRepository(session)
        self.artifacts: catalog.ArtifactRepository = SqlArtifactRepository(session)
        self.endpoints: catalog.EndpointRepository = SqlEndpointRepository(session)
        self.lineage: catalog.LineageRepository = SqlLineageRepository(session)
        self.access: catalog.AccessRepository = SqlAccessRepository(session)
        self.journal: catalog.Journal = SqlJournal(session)


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
                return work(SqlTransaction(session))
            finally:
                inside.working = False

        return marked
