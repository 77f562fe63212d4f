"""Taking out the garbage."""

from collections.abc import Sequence

from litestar import post
from litestar.handlers import BaseRouteHandler

from regista.dialects.native.wire import CollectBody
from regista.entities.access import Caller
from regista.entities.collection import Collected
from regista.services.house import House


@post("/gc", sync_to_thread=True, status_code=200)
def collect_garbage(caller: Caller, house: House, data: CollectBody) -> list[Collected]:
    """Remove blobs that nothing has named for the grace, in every store; a dry run only says what would go."""
    return house.collection.run(caller, grace_seconds=data.grace_seconds, dry_run=data.dry_run)


HANDLERS: Sequence[BaseRouteHandler] = (collect_garbage,)
"""One handler: what is collected belongs to no scope."""
