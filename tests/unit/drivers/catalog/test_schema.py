"""The schema: made at once, migrated step by step, the same either way."""

import json
import subprocess
import sys

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

from regista.drivers.catalog.sql import schema
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.drivers.catalog.sql.drawing import metadata
from regista.drivers.catalog.sql.session import Session
from regista.drivers.catalog.sql.sqlite import sqlite_engine
from regista.drivers.catalog.sql.tables import REVISION
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.page import PageRequest
from regista.entities.run import ModelMetric
from regista.entities.search import Clause, Field, Order
from regista.errors import UnsupportedError


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/catalog.db"
    return request.getfixturevalue("postgres_database")


def engine_of(url):
    from pathlib import Path

    return sqlite_engine(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite") else create_engine(url)


def drawn(url):
    """Everything that a database says about its tables."""
    engine = engine_of(url)
    inspector = inspect(engine)
    drawing = {
        name: (
            [
                (c["name"], repr(c["type"]), c["nullable"], bool(c.get("autoincrement")))
                for c in inspector.get_columns(name)
            ],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted((i["name"], i["column_names"], i["unique"]) for i in inspector.get_indexes(name)),
            sorted(map(repr, inspector.get_foreign_keys(name))),
            sorted(map(repr, inspector.get_unique_constraints(name))),
        )
        for name in inspector.get_table_names()
    }
    if url.startswith("sqlite"):
        with engine.connect() as connection:
            listed = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            drawing["sql"] = {name: "".join(sql.split()) for name, sql in listed if name != "alembic_version"}
    engine.dispose()
    return drawing


def migrated(url):
    """Bring the empty database at *url* to the schema by way of every revision there is."""
    engine = engine_of(url)
    with engine.connect() as connection:
        session = Session(connection, writes=True)
        schema.migrate(session)
        connection.commit()
    engine.dispose()


def migrated_to(url, revision, *statements):
    """The same up to *revision*; then rows are written as they were then."""
    engine = engine_of(url)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement, values in statements:
            connection.execute(text(statement), values)
        connection.commit()
    engine.dispose()


def restamped(url, revision):
    engine = engine_of(url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": revision})
        connection.commit()
    engine.dispose()


def test_migrations_lead_to_the_same_schema_as_the_tables(url, request, tmp_path):
    SqlCatalog.open(url).close()
    made = drawn(url)
    if url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path}/migrated.db"
    else:
        server = request.getfixturevalue("postgres_server")
        other = server.url_of(server.create_database())
    migrated(other)
    assert drawn(other) == made
    assert set(metadata.tables) < set(made)


def test_a_migrated_database_is_a_catalog(url):
    migrated(url)
    catalog = SqlCatalog.open(url)
    catalog.write(lambda tx: tx.settings.put("k", "v"))
    assert catalog.read(lambda tx: tx.settings.find("k")) == "v"
    catalog.close()


def test_versions_of_an_older_database_are_listed_by_their_change_and_keep_their_tags(url):
    insert = (
        "INSERT INTO versions (seq, id, scope_id, kind, name, version, type, content, manifest, created_by, archived,"
        " created_at, body) VALUES (:seq, :id, 'w', 'model', 'churn', :version, '', '', '', 'ada', 0, 1, :body)"
    )
    tag = "INSERT INTO version_tags VALUES (:seq, 'team', 'red', 'red', 'w/model', 1)"
    rows = []
    for seq, changed in enumerate((5, 9, 7), 1):
        one = AssetVersion(
            id=f"id{seq}", scope_id="w", kind=AssetKind.MODEL, name="churn", version=str(seq), updated_at=changed
        )
        body = msgspec.json.encode(one).decode()
        rows.append((insert, {"seq": seq, "id": one.id, "version": one.version, "body": body}))
    migrated_to(url, "0006", *rows, (tag, {"seq": 2}))
    catalog = SqlCatalog.open(url)

    changed_first = [Order(Field.ATTRIBUTE, "changed", ascending=False)]

    def numbers(*clauses):
        page = catalog.read(
            lambda tx: tx.versions.page(
                "w", AssetKind.MODEL, "churn", PageRequest(10), clauses=clauses, order=changed_first
            )
        )
        return [one.version for one in page.items]

    assert numbers() == ["2", "3", "1"]
    assert numbers(Clause(Field.TAG, "team", "=", "red")) == ["2"]
    catalog.write(lambda tx: tx.versions.put(msgspec.structs.replace(tx.versions.get("id1"), updated_at=20)))
    assert numbers() == ["1", "2", "3"]
    catalog.close()


def test_versions_of_an_older_database_are_found_by_the_run_that_they_come_from(url):
    insert = (
        "INSERT INTO versions (seq, id, scope_id, kind, name, version, type, content, manifest, created_by, archived,"
        " created_at, updated_at, body) VALUES (:seq, :id, 'w', 'model', 'churn', :version, '', '', '', 'ada', 0, 1, 1, :body)"
    )
    sources = [
        {},
        {"node": "job:w/train"},
        {"node": "job:w/train", "run_id": "said", "uri": "runs:/said/model"},
        {"node": "version:w/model/churn/1", "run_id": "r" * 256},
        {"uri": "s3://bucket/a"},
    ]
    rows = []
    for seq, source in enumerate(sources, 1):
        one = AssetVersion(
            id=f"id{seq}", scope_id="w", kind=AssetKind.MODEL, name="churn", version=str(seq), source=source
        )
        body = msgspec.json.encode(one).decode()
        rows.append((insert, {"seq": seq, "id": one.id, "version": one.version, "body": body}))
    migrated_to(url, "0008", *rows)
    catalog = SqlCatalog.open(url)

    def numbers(key, operator, value):
        clauses = [Clause(Field.ATTRIBUTE, key, operator, value)]
        page = catalog.read(lambda tx: tx.versions.page("w", AssetKind.MODEL, None, PageRequest(10), clauses=clauses))
        return "".join(sorted(one.version for one in page.items))

    assert numbers("run", "=", "train") == "2"
    assert numbers("run", "=", "said") == "3"
    assert numbers("run", "=", "") == "145"
    assert numbers("source", "LIKE", "%/%") == "35"
    assert numbers("source", "=", "") == "124"
    catalog.close()


def test_migrating_twice_changes_nothing(url):
    migrated(url)
    before = drawn(url)
    migrated(url)
    assert drawn(url) == before


def test_opening_again_keeps_what_is_there(url):
    for _ in range(3):
        catalog = SqlCatalog.open(url)
        assert catalog.write(lambda tx: tx.settings.add("k", "v")) == "v"
        catalog.close()


def test_a_newer_database_is_refused_and_left_as_it_is(url):
    SqlCatalog.open(url).close()
    restamped(url, "9999")
    before = drawn(url)
    for _ in range(2):
        with pytest.raises(UnsupportedError, match="9999") as refusal:
            SqlCatalog.open(url)
        assert "upgrade" in refusal.value.hint
    assert drawn(url) == before
    restamped(url, REVISION)
    SqlCatalog.open(url).close()


def test_a_migration_that_fails_leaves_the_old_schema(url, monkeypatch):
    SqlCatalog.open(url).close()
    restamped(url, "0000")
    before = drawn(url)

    def fail(session):
        session.core.execute(text("DROP TABLE settings"))
        raise ZeroDivisionError

    monkeypatch.setattr(schema, "migrate", fail)
    with pytest.raises(ZeroDivisionError):
        SqlCatalog.open(url)
    assert drawn(url) == before


def test_what_bodies_said_of_metrics_becomes_rows(url):
    """0007."""
    said = [{"key": "a", "value": None, "timestamp": 5, "step": 1, "dataset_name": "d", "dataset_digest": "x"},
            {"key": "a", "value": 0.5, "timestamp": 5, "run": "r"}]  # fmt: skip
    body = {"id": "m-1", "scope_id": "w", "experiment": 0, "name": "näme", "metrics": said}
    add = (
        "INSERT INTO logged_models (scope_id, id, experiment, run, name, deleted, created_at, body)"
        " VALUES ('w', :id, 0, '', '', 0, 0, :body)"
    )
    models = {"m-0": body | {"metrics": []}, "m-1": body}
    migrated_to(url, "0006", *((add, {"id": name, "body": json.dumps(content)}) for name, content in models.items()))
    catalog = SqlCatalog.open(url)
    assert catalog.read(lambda tx: tx.artifacts.model_metrics("w", ["m-0", "m-1"], 9)) == {
        "m-1": [
            ModelMetric(key="a", value=0.5, timestamp=5, run="r"),
            ModelMetric(key="a", value=None, timestamp=5, step=1, dataset_name="d", dataset_digest="x"),
        ]
    }
    kept = catalog.read(lambda tx: tx.artifacts.find_model("w", "m-1"))
    assert (kept.name, kept.metrics) == ("näme", ())
    catalog.close()


def test_the_newest_revision_is_the_one_that_this_regista_works_with():
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_alembic_is_imported_only_for_an_older_database(tmp_path):
    program = (
        "import sys; from regista.drivers.catalog.sql.catalog import SqlCatalog;"
        "[SqlCatalog.open(sys.argv[1]).close() for _ in range(2)]; assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{tmp_path}/c.db"], check=True)
