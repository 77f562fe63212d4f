"""The lineage graph."""

from collections.abc import Sequence

from regista.conformance.catalog.case import CatalogCase
from regista.entities.lineage import Edge, EdgeType
from regista.interfaces.catalog import Catalog


def edge(source: str, target: str, kind: EdgeType = EdgeType.CONSUMED, role: str = "") -> Edge:
    """An edge between two jobs of the scope ``w``."""
    return Edge(source=f"job:w/{source}", target=f"job:w/{target}", type=kind, role=role, created_at=1)


class LineageContract(CatalogCase):
    """``tx.lineage``."""

    def test_an_edge_that_is_there_is_left_as_it_is(self, catalog: Catalog) -> None:
        first = edge("a", "b", role="input:x")
        again = Edge(source=first.source, target=first.target, type=first.type, role=first.role, created_at=99)
        for each in (first, again, edge("a", "b", role="input:y"), edge("a", "b", EdgeType.PRODUCED)):
            catalog.write(lambda tx, each=each: tx.lineage.add([each, each]))  # type: ignore[misc]
        catalog.write(lambda tx: tx.lineage.add([]))
        into = catalog.read(lambda tx: tx.lineage.edges(["job:w/b"], upstream=True))
        assert len(into) == 3
        assert first in into
        assert catalog.read(lambda tx: tx.lineage.edges(["job:w/b"], upstream=False)) == []
        assert catalog.read(lambda tx: tx.lineage.edges(["job:w/a", "job:w/x"], upstream=False)) != []
        assert catalog.read(lambda tx: tx.lineage.edges([], upstream=False)) == []

    def test_a_walk_goes_the_nearest_first(self, catalog: Catalog) -> None:
        chain = [edge(f"n{number}", f"n{number + 1}") for number in range(60)]
        catalog.write(lambda tx: tx.lineage.add(chain[::-1]))
        assert self.walk(catalog, "n60", depth=100) == chain[::-1]
        assert self.walk(catalog, "n60") == chain[::-1][:50]
        assert self.walk(catalog, "n60", depth=1) == [chain[59]]
        assert self.walk(catalog, "n0", upstream=False, depth=3) == chain[:3]
        assert self.walk(catalog, "n60", limit=7) == chain[::-1][:7]
        assert self.walk(catalog, "n60", depth=0) == []
        assert self.walk(catalog, "unknown") == []

    def test_cycles_end_and_diamonds_are_walked_once(self, catalog: Catalog) -> None:
        diamond = [edge("a", "b"), edge("a", "c"), edge("b", "d"), edge("c", "d"), edge("d", "a"), edge("d", "d")]
        catalog.write(lambda tx: tx.lineage.add(diamond))
        for start in "abcd":
            for upstream in (True, False):
                found = self.walk(catalog, start, upstream=upstream)
                assert len(found) == len(set(map(str, found))) == 6

    def test_a_ladder_of_many_ways_does_not_explode(self, catalog: Catalog) -> None:
        rungs = [
            edge(f"{side}{level}", f"{other}{level + 1}") for level in range(40) for side in "lr" for other in "lr"
        ]
        catalog.write(lambda tx: tx.lineage.add(rungs))
        assert len(self.walk(catalog, "l40")) == 158

    def test_a_walk_follows_only_the_types_asked_for(self, catalog: Catalog) -> None:
        made = [edge("a", "b"), edge("b", "c", EdgeType.PRODUCED), edge("x", "c", EdgeType.CONTAINS)]
        catalog.write(lambda tx: tx.lineage.add(made))
        assert self.walk(catalog, "c", types=[EdgeType.PRODUCED]) == [made[1]]
        assert self.walk(catalog, "c", types=[EdgeType.PRODUCED, EdgeType.CONSUMED]) == [made[1], made[0]]
        assert self.walk(catalog, "c", types=[EdgeType.DEPLOYED]) == []

    def test_a_node_with_very_many_edges_is_cut_at_the_limit(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.lineage.add([edge("hub", f"n{number}") for number in range(3000)]))
        assert len(self.walk(catalog, "hub", upstream=False, limit=100)) == 100
        assert len(self.walk(catalog, "hub", upstream=False)) == 3000

    def walk(
        self,
        catalog: Catalog,
        start: str,
        upstream: bool = True,
        depth: int = 50,
        limit: int = 10_000,
        types: Sequence[EdgeType] = (),
    ) -> list[Edge]:
        """From the job *start*."""
        return catalog.read(
            lambda tx: tx.lineage.walk(f"job:w/{start}", upstream=upstream, depth=depth, limit=limit, types=types)
        )
