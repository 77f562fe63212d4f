"""Where traces of language-model programs are kept."""

from collections.abc import Sequence
from typing import Protocol

from regista.entities.llm_trace import LlmTrace
from regista.entities.page import Page, PageRequest


class LlmTraceRepository(Protocol):
    """Traces, each known by its id within a scope."""

    def put(self, trace: LlmTrace) -> None:
        """Write or replace one."""

    def find(self, scope_id: str, trace_id: str) -> LlmTrace | None:
        """By id."""

    def page(self, scope_id: str, experiments: Sequence[int], request: PageRequest) -> Page[LlmTrace]:
        """Those of *experiments*, the latest begun first."""

    def oldest(self, scope_id: str, experiment: int, until: int, limit: int) -> list[LlmTrace]:
        """At most *limit* of those that began at *until* or before, the first begun first."""

    def delete(self, scope_id: str, trace_id: str) -> bool:
        """Whether there was one."""
