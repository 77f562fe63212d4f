"""What a promotion would do."""

import msgspec

from regista.entities.asset import AssetKind


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the closure. ``action`` is ``create``, ``exists`` (the same content is there) or ``clash``."""

    kind: AssetKind
    name: str
    version: str
    action: str
    source: str
    source_scope: str
    file_count: int = 0
    size: int = 0
    moved: int = 0
    """Bytes that have to be copied between stores; 0 inside one store."""


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion would do, dependencies first, the version that was asked for last."""

    target: str
    items: tuple[PlanItem, ...]
    same_store: bool

    @property
    def moved(self) -> int:
        """Bytes to be copied between stores."""
        return sum(item.moved for item in self.items if item.action == "create")
