"""What all connections share."""

from dataclasses import dataclass, field

from .access_log import AccessLog
from .directory import Directory
from .mirror import Mirror


@dataclass(slots=True)
class Gateway:
    """``max_body`` holds where an endpoint says nothing else. Once ``stopping``, every answer closes its connection."""

    directory: Directory
    log: AccessLog
    max_body: int
    secure: bool = False
    stopping: bool = False
    mirror: Mirror = field(default_factory=Mirror)
