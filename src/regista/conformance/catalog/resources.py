"""Computes and connections."""

import msgspec

from regista.conformance.catalog.case import CatalogCase
from regista.conformance.catalog.examples import UNUSUAL, workspace
from regista.entities.compute import Compute, ComputeState, ComputeType
from regista.entities.connection import Connection, CredentialType
from regista.interfaces.catalog import Catalog


class ResourceContract(CatalogCase):
    """``tx.computes`` and ``tx.connections``."""

    def test_a_compute_is_added_replaced_and_removed(self, catalog: Catalog) -> None:
        made = Compute(scope_id="w", name="cpu", description=UNUSUAL, spec={"network_settings": {"subnet": "s"}})
        catalog.write(lambda tx: tx.computes.put(made))
        assert catalog.read(lambda tx: tx.computes.find("w", "cpu")) == made
        changed = msgspec.structs.replace(made, type=ComputeType.COMPUTE_INSTANCE, state=ComputeState.STOPPED)
        catalog.write(lambda tx: tx.computes.put(changed))
        assert catalog.read(lambda tx: tx.computes.find("w", "cpu")) == changed
        assert catalog.read(lambda tx: tx.computes.find("x", "cpu")) is None
        for _ in range(2):
            catalog.write(lambda tx: tx.computes.delete("w", "cpu"))
        assert catalog.read(lambda tx: tx.computes.find("w", "cpu")) is None

    def test_a_connection_is_added_replaced_and_removed(self, catalog: Catalog) -> None:
        made = Connection(scope_id="w", name="git", type="git", metadata={"a": UNUSUAL}, sealed_secret="s")  # noqa: S106
        catalog.write(lambda tx: tx.connections.put(made))
        assert catalog.read(lambda tx: tx.connections.find("w", "git")) == made
        changed = msgspec.structs.replace(made, credentials_type=CredentialType.PAT, is_shared=False)
        catalog.write(lambda tx: tx.connections.put(changed))
        assert catalog.read(lambda tx: tx.connections.find("w", "git")) == changed
        for _ in range(2):
            catalog.write(lambda tx: tx.connections.delete("w", "git"))
        assert catalog.read(lambda tx: tx.connections.find("w", "git")) is None

    def test_a_compute_and_a_connection_may_have_one_name(self, catalog: Catalog) -> None:
        compute, connection = Compute(scope_id="w", name="both"), Connection(scope_id="w", name="both", type="git")
        catalog.write(lambda tx: tx.computes.put(compute))
        catalog.write(lambda tx: tx.connections.put(connection))
        assert catalog.read(lambda tx: tx.computes.of_scope("w")) == [compute]
        assert catalog.read(lambda tx: tx.connections.of_scope("w")) == [connection]
        catalog.write(lambda tx: tx.computes.delete("w", "both"))
        assert catalog.read(lambda tx: tx.connections.find("w", "both")) == connection

    def test_those_of_a_workspace_come_by_name(self, catalog: Catalog) -> None:
        for scope_id, name in (("w", "b"), ("w", "a"), ("x", "c")):
            made = Compute(scope_id=scope_id, name=name)
            catalog.write(lambda tx, made=made: tx.computes.put(made))  # type: ignore[misc]
        assert [one.name for one in catalog.read(lambda tx: tx.computes.of_scope("w"))] == ["a", "b"]
        assert catalog.read(lambda tx: tx.connections.of_scope("w")) == []

    def test_a_sweep_takes_the_connections_of_deleted_scopes(self, catalog: Catalog) -> None:
        dead, living = workspace("dead"), workspace("living")
        for each in (dead, living):
            catalog.write(lambda tx, s=each: tx.scopes.add(s))  # type: ignore[misc]
            catalog.write(lambda tx, s=each: tx.connections.put(Connection(scope_id=s.id, name="git", type="git")))  # type: ignore[misc]
        catalog.write(lambda tx: tx.scopes.delete(dead.id, 1))
        catalog.write(lambda tx: tx.files.sweep(0, 0))
        assert catalog.read(lambda tx: tx.connections.of_scope(dead.id)) == []
        assert len(catalog.read(lambda tx: tx.connections.of_scope(living.id))) == 1
