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

    def keep_link(self, scope_id: str, trace_id: str, run: str, at: int) -> None:
        """Note that a trace that is not here yet is to be linked to *run*; again is quiet."""

    def take_links(self, scope_id: str, trace_id: str) -> list[str]:
        """The runs to which the trace is to be linked; they are noted no longer."""

    def forget_links(self, before: int) -> int:
        """Forget what was noted before that time; return how many there were."""
