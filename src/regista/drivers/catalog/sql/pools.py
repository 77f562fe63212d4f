"""The connections that threads lend from PostgreSQL, closed when they come back after the pool has been given up."""

from threading import RLock
from typing import Any

from sqlalchemy import QueuePool
from sqlalchemy.pool import ConnectionPoolEntry


class LendingPool(QueuePool):
    """``dispose`` gives it up: what is lent is closed as it comes back, and whoever still waits gets a new one until then.

    (SQLAlchemy's own pool keeps what comes back open, for nobody, and an open connection holds a process of the server's.)"""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._given_up = False
        self._entry = RLock()  # the garbage collector gives connections back too, whatever its thread is doing

    def dispose(self) -> None:
        with self._entry:
            self._given_up = True
            super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        with self._entry:
            if self._given_up:
                record.close()
            super()._do_return_conn(record)
