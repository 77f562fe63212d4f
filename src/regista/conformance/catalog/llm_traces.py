"""Traces of language-model programs."""

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS, UNUSUAL
from regista.entities.llm_trace import Assessment, AssessmentKind, LlmTrace, LlmTraceStatus
from regista.entities.page import PageRequest
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog


def _trace(name: str, started_at: int = 0, experiment: int = 1, scope_id: str = "w") -> LlmTrace:
    return LlmTrace(id=name, scope_id=scope_id, experiment=experiment, started_at=started_at)


class LlmTraceContract(CatalogCase):
    """``tx.llm_traces``."""

    def test_a_trace_is_written_replaced_and_deleted(self, catalog: Catalog) -> None:
        thought = Assessment(id="a", name="good", kind=AssessmentKind.FEEDBACK, value={"a": [1, None, UNUSUAL]})
        made = msgspec.structs.replace(_trace("tr-1"), tags={"a": UNUSUAL}, assessments=(thought,), duration=5)
        catalog.write(lambda tx: tx.llm_traces.put(made))
        assert catalog.read(lambda tx: tx.llm_traces.find("w", "tr-1")) == made
        assert catalog.read(lambda tx: tx.llm_traces.find("x", "tr-1")) is None
        ended = msgspec.structs.replace(made, status=LlmTraceStatus.OK, started_at=9)
        catalog.write(lambda tx: tx.llm_traces.put(ended))
        assert catalog.read(lambda tx: tx.llm_traces.find("w", "tr-1")) == ended
        assert not catalog.write(lambda tx: tx.llm_traces.delete("x", "tr-1"))
        assert catalog.write(lambda tx: tx.llm_traces.delete("w", "tr-1"))
        assert not catalog.write(lambda tx: tx.llm_traces.delete("w", "tr-1"))
        assert catalog.read(lambda tx: tx.llm_traces.find("w", "tr-1")) is None

    def test_pages_begin_with_the_latest_begun(self, catalog: Catalog) -> None:
        for number in range(6):
            made = _trace(f"tr-{number}", started_at=number // 2, experiment=number % 2)
            catalog.write(lambda tx, made=made: tx.llm_traces.put(made))  # type: ignore[misc]
        catalog.write(lambda tx: tx.llm_traces.put(_trace("tr-x", scope_id="x")))

        def listed(*experiments: int) -> list[str]:
            found = every(lambda request: catalog.read(lambda tx: tx.llm_traces.page("w", experiments, request)), 2)
            return [one.id for one in found]

        assert listed(0, 1) == ["tr-5", "tr-4", "tr-3", "tr-2", "tr-1", "tr-0"]
        assert listed(1) == ["tr-5", "tr-3", "tr-1"]
        assert listed() == []
        for cursor in FOREIGN_CURSORS:
            with pytest.raises(InvalidError):
                catalog.read(lambda tx, c=cursor: tx.llm_traces.page("w", [0], PageRequest(2, c)))  # type: ignore[misc]

    def test_the_oldest_come_up_to_a_time(self, catalog: Catalog) -> None:
        for number in range(4):
            made = _trace(f"tr-{number}", started_at=10 - number)
            catalog.write(lambda tx, made=made: tx.llm_traces.put(made))  # type: ignore[misc]
        found = catalog.read(lambda tx: tx.llm_traces.oldest("w", 1, 9, 2))
        assert [one.id for one in found] == ["tr-3", "tr-2"]
        assert len(catalog.read(lambda tx: tx.llm_traces.oldest("w", 1, 9, 9))) == 3
        assert catalog.read(lambda tx: tx.llm_traces.oldest("w", 2, 9, 9)) == []

    def test_links_wait_for_their_trace(self, catalog: Catalog) -> None:
        for at, (scope, trace, run) in enumerate(
            [("w", "tr-1", "b"), ("w", "tr-1", "a"), ("w", "tr-1", "b"), ("w", "tr-2", "a"), ("x", "tr-1", "c")]
        ):
            catalog.write(lambda tx, s=scope, t=trace, r=run, at=at: tx.llm_traces.keep_link(s, t, r, at))  # type: ignore[misc]
        assert catalog.write(lambda tx: tx.llm_traces.take_links("w", "tr-1")) == ["a", "b"]
        assert catalog.write(lambda tx: tx.llm_traces.take_links("w", "tr-1")) == []
        assert catalog.write(lambda tx: tx.llm_traces.forget_links(4)) == 1
        assert catalog.write(lambda tx: tx.llm_traces.take_links("w", "tr-2")) == []
        assert catalog.write(lambda tx: tx.llm_traces.take_links("x", "tr-1")) == ["c"]
