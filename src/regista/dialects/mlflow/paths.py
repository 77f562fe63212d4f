"""Paths of files: whose they are, and where in what they belong to."""

from urllib.parse import unquote

from regista.entities.manifest import check_path
from regista.errors import InvalidError, NotFoundError


def split(path: str, *, folder: bool = False) -> tuple[str, str]:
    """Owner and path inside it; raise ``InvalidError`` for a path that climbs, however it is encoded."""
    clean = path.strip("/") if folder else path
    decoded = unquote(unquote(clean))
    for one in {clean, decoded} - {""}:
        try:
            check_path(one)
        except InvalidError as wrong:
            raise InvalidError("Invalid path") from wrong
    kind, _, rest = clean.partition("/")
    name, _, inner = rest.partition("/")
    if not name or not (inner or folder):
        raise NotFoundError(
            f"there is no file {path[:200]!r}", hint="Files are below runs/RUN, models/m-… or versions/ID."
        )
    if inner[1:2] == ":" and inner[0].isalpha():
        raise InvalidError("Invalid path")
    return f"{kind}/{name}", inner
