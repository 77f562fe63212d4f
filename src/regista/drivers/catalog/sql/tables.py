"""The schema, whole. Columns hold what is looked for and sorted by; ``body`` holds the entity itself, as JSON.

``seq`` numbers the rows in the order of their making: lists are sorted by (``created_at``, ``seq``), so that two things of
the same millisecond still have an order. Text compares by bytes on both databases. Times are milliseconds since 1970.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

REVISION = "0008"
"""The newest revision of the schema: what this Regista works with. Revisions are numbers, so that newer ones are known."""

HEAD = 128
"""Characters of a tag's or a parameter's value that are indexed and sorted by: an index has no room for long ones."""

metadata = MetaData()

_Big = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY numbers itself on SQLite
_Text = Text().with_variant(Text(collation="C"), "postgresql")  # byte order, whatever language the server speaks


def _seq() -> Column[int]:
    return Column("seq", _Big, primary_key=True, autoincrement=True)


def _text(name: str, *, primary_key: bool = False, unique: bool = False) -> Column[str]:
    return Column(name, _Text, primary_key=primary_key, unique=unique, nullable=False)


def _big(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _flag(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _body() -> Column[str]:
    return Column("body", Text, nullable=False)


def _table(name: str, *items: SchemaItem, rowid: bool = True) -> Table:
    """A table; one without *rowid* is, on SQLite, kept inside its primary key."""
    return Table(name, metadata, *items, sqlite_with_rowid=rowid)


settings = _table("settings", _text("key", primary_key=True), _text("value"))

subscriptions = _table("subscriptions", _text("name", primary_key=True), _body())

resource_groups = _table(
    "resource_groups", _text("subscription"), _text("name"), _body(), PrimaryKeyConstraint("subscription", "name")
)

scopes = _table(
    "scopes",
    _seq(),
    _text("id", unique=True),
    _text("kind"),
    _text("subscription"),
    _text("resource_group"),
    _text("name"),
    _big("deleted_at", nullable=True),
    _body(),
    Index(
        "scopes_registry_name",
        "name",
        unique=True,
        sqlite_where=text("kind = 'registry' AND deleted_at IS NULL"),
        postgresql_where=text("kind = 'registry' AND deleted_at IS NULL"),
    ),
    Index(
        "scopes_workspace_name",
        *("name", "resource_group", "subscription"),
        unique=True,
        sqlite_where=text("kind = 'workspace' AND deleted_at IS NULL"),
        postgresql_where=text("kind = 'workspace' AND deleted_at IS NULL"),
    ),
    Index("scopes_by_name", "name", "seq"),
)

stores = _table("stores", _text("name", primary_key=True), _body())
store_regions = _table("store_regions", _text("region", primary_key=True), _text("store"))

assets = _table(
    "assets",
    _seq(),
    _text("scope_id"),
    _text("kind"),
    _text("name"),
    _flag("archived"),
    _big("created_at"),
    _body(),
    Index("assets_name", "scope_id", "kind", "name", unique=True),
    Index("assets_newest", "scope_id", "kind", "created_at", "seq"),
)

versions = _table(
    "versions",
    _seq(),
    _text("id", unique=True),
    _text("scope_id"),
    _text("kind"),
    _text("name"),
    _text("version"),
    _text("type"),
    _text("content"),
    _text("manifest"),
    _text("created_by"),
    _flag("archived"),
    _big("created_at"),
    _big("deleted_at", nullable=True),
    _body(),
    _big("updated_at"),
    Index("versions_name", "scope_id", "kind", "name", "version", unique=True),
    Index("versions_newest_of_name", "scope_id", "kind", "name", "created_at", "seq"),
    Index("versions_newest", "scope_id", "kind", "created_at", "seq"),
    Index("versions_changed_of_name", "scope_id", "kind", "name", "updated_at", "seq"),
    Index("versions_content", "scope_id", "content"),
)

blob_claims = _table(
    "blob_claims",
    _text("digest"),
    _text("scope_id"),
    _text("principal_id"),
    _big("size"),
    _big("at"),
    PrimaryKeyConstraint("digest", "scope_id", "principal_id"),
    Index("blob_claims_at", "at"),
    rowid=False,
)

jobs = _table(
    "jobs",
    _seq(),
    _text("id", unique=True),
    _text("scope_id"),
    _text("name"),
    _text("parent"),
    _text("status"),
    _text("display_name"),
    _text("created_by"),
    _text("reuse_key"),
    _text("reused_from"),
    _big("experiment"),
    _flag("archived"),
    _flag("deleted"),
    _big("created_at"),
    _big("started_at", nullable=True),
    _big("ended_at", nullable=True),
    _body(),
    Index("jobs_name", "scope_id", "name", unique=True),
    Index("jobs_newest", "scope_id", "created_at", "seq"),
    Index("jobs_newest_of_parent", "scope_id", "parent", "created_at", "seq"),
    Index("jobs_of_experiment", "scope_id", "experiment", "created_at", "seq"),
    # What MLflow's clients sort by. PostgreSQL sorts ten thousand rows faster than it would keep a tenth index.
    Index("jobs_started", "scope_id", "experiment", "started_at", "created_at", "seq").ddl_if(dialect="sqlite"),
    Index("jobs_status", "scope_id", "status"),
    Index(
        "jobs_reuse",
        *("scope_id", "reuse_key", "created_at", "seq"),
        sqlite_where=text("reuse_key <> ''"),
        postgresql_where=text("reuse_key <> ''"),
    ),
)

leases = _table(
    "leases",
    _text("job_id", primary_key=True),
    _big("due", nullable=True),
    _big("ready", nullable=True),
    _big("until", nullable=True),
    _text("worker"),
    _big("fence"),
    _text("handle"),
    Index("leases_ready", "ready"),
)

metrics = _table(
    "metrics",
    _seq(),
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    _text("key"),
    _big("step"),
    _big("timestamp"),
    _flag("is_number"),  # NaN is stored as (0, 0.0): SQLite has no NaN, and neither has an order for it
    Column("value", Double, nullable=False),
    Index("metrics_key", "job", "key", unique=True),
)

metric_points = _table(
    "metric_points",
    _big("metric"),
    _big("step"),
    _big("timestamp"),
    _flag("is_number"),
    Column("value", Double, nullable=False),
    PrimaryKeyConstraint("metric", "step", "timestamp", "is_number", "value"),
    rowid=False,
)

params = _table(
    "params",
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    _text("key"),
    _text("head"),
    _text("value"),
    PrimaryKeyConstraint("job", "key"),
    rowid=False,
)

datasets = _table(
    "datasets",
    _seq(),
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    _text("name"),
    _text("digest"),
    _body(),
    Index("datasets_name", "job", "name", "digest", unique=True),
)

experiments = _table(
    "experiments",
    _seq(),
    _text("scope_id"),
    _big("number"),
    _text("name"),
    _flag("deleted"),
    _big("created_at"),
    _big("updated_at"),
    _body(),
    Index("experiments_number", "scope_id", "number", unique=True),
    Index("experiments_name", "scope_id", "name", unique=True),
)


def _tags(name: str, owners: Table) -> Table:
    """Tags, with what their owners are listed by: a page of those with one tag is read straight from the index.

    ``place`` is the scope, and for assets and versions the kind (``SCOPE/model``)."""
    return _table(
        name,
        Column("owner", BigInteger, ForeignKey(owners.c.seq, ondelete="CASCADE"), nullable=False),
        _text("key"),
        _text("head"),
        _text("value"),
        _text("place"),
        _big("created_at"),
        PrimaryKeyConstraint("owner", "key"),
        Index(f"{name}_value", "place", "key", "head", "created_at", "owner"),
        rowid=False,
    )


asset_tags = _tags("asset_tags", assets)
version_tags = _tags("version_tags", versions)
run_tags = _tags("run_tags", jobs)
experiment_tags = _tags("experiment_tags", experiments)

artifacts = _table(
    "artifacts",
    _text("scope_id"),
    _text("owner"),
    _text("path"),
    _text("digest"),
    _big("size"),
    PrimaryKeyConstraint("scope_id", "owner", "path"),
    rowid=False,
)

datastores = _table(
    "datastores", _text("scope_id"), _text("name"), _body(), PrimaryKeyConstraint("scope_id", "name"), rowid=False
)

upload_areas = _table(
    "upload_areas",
    _text("id", primary_key=True),
    _text("scope_id"),
    _text("container"),
    _big("expires_at"),
    _body(),
    Index("upload_areas_expiry", "expires_at"),
)

stored_files = _table(
    "stored_files",
    _text("container"),
    _text("path"),
    _text("scope_id"),
    _text("owner"),
    _text("digest"),
    _body(),
    PrimaryKeyConstraint("container", "path"),
    rowid=False,
)

staged_blocks = _table(
    "staged_blocks",
    _text("container"),
    _text("path"),
    _text("owner"),
    _text("id"),
    _text("scope_id"),
    _text("digest"),
    _big("at"),
    _body(),
    PrimaryKeyConstraint("container", "path", "owner", "id"),
    Index("staged_blocks_at", "at"),
    rowid=False,
)

logged_models = _table(
    "logged_models",
    _seq(),
    _text("scope_id"),
    _text("id"),
    _big("experiment"),
    _text("run"),
    _text("name"),
    _flag("deleted"),
    _big("created_at"),
    _body(),
    Index("logged_models_id", "scope_id", "id", unique=True),
    Index("logged_models_newest", "scope_id", "experiment", "created_at", "seq"),
    Index("logged_models_of_run", "scope_id", "run"),
)

logged_model_metrics = _table(
    "logged_model_metrics",
    _big("model"),
    _text("key"),
    *map(_big, ("timestamp", "step")),
    *map(_text, ("run", "dataset_name", "dataset_digest")),
    _flag("is_number"),
    Column("value", Double, nullable=False),
    PrimaryKeyConstraint(*"model key timestamp step run dataset_name dataset_digest is_number value".split()),
    rowid=False,
)

llm_traces = _table(
    "llm_traces",
    _seq(),
    _text("scope_id"),
    _text("id"),
    _big("experiment"),
    _big("started_at"),
    _body(),
    Index("llm_traces_id", "scope_id", "id", unique=True),
    Index("llm_traces_newest", "scope_id", "experiment", "started_at", "seq"),
)

llm_trace_links = _table(
    "llm_trace_links",
    _text("scope_id"),
    _text("trace"),
    _text("run"),
    _big("at"),
    PrimaryKeyConstraint("scope_id", "trace", "run"),
)

resources = _table(
    "resources",
    _text("scope_id"),
    _text("kind"),
    _text("name"),
    _body(),
    PrimaryKeyConstraint("scope_id", "kind", "name"),
)
"""Computes and connections."""

endpoints = _table(
    "endpoints",
    _seq(),
    _text("scope_id"),
    _text("name"),
    _big("created_at"),
    _body(),
    Index("endpoints_name", "scope_id", "name", unique=True),
    Index("endpoints_newest", "created_at", "seq"),
)

deployments = _table(
    "deployments",
    _text("scope_id"),
    _text("endpoint"),
    _text("name"),
    _body(),
    PrimaryKeyConstraint("scope_id", "endpoint", "name"),
)
deployment_generations = _table("deployment_generations", _text("node", primary_key=True), _body())

traffic_changes = _table(
    "traffic_changes",
    _seq(),
    _text("scope_id"),
    _text("endpoint"),
    _big("at"),
    _body(),
    Index("traffic_changes_at", "scope_id", "endpoint", "at", "seq"),
)

lineage_nodes = _table("lineage_nodes", _seq(), _text("name", unique=True))

lineage_edges = _table(
    "lineage_edges",
    _big("source"),
    _big("target"),
    _text("type"),
    _text("role"),
    _big("created_at"),
    PrimaryKeyConstraint("source", "target", "type", "role"),
    Index("lineage_edges_upstream", "target", "source"),
    rowid=False,
)

principals = _table("principals", _text("id", primary_key=True), _text("name", unique=True), _body())

keys = _table(
    "keys",
    _seq(),
    _text("id", unique=True),
    _text("secret_hash", unique=True),
    _text("principal_id"),
    _big("created_at"),
    _body(),
    Index("keys_of_principal", "principal_id", "created_at", "seq"),
)

roles = _table("roles", _text("name", primary_key=True), _body())

role_assignments = _table(
    "role_assignments",
    _text("id", primary_key=True),
    _text("principal_id"),
    _text("role"),
    _text("path"),
    _body(),
    Index("role_assignments_once", "principal_id", "role", "path", unique=True),
    Index("role_assignments_path", "path"),
)

audit_records = _table(
    "audit_records",
    _seq(),
    _big("at"),
    _text("principal"),
    _text("path"),
    _body(),
    _text("action"),
    _text("outcome"),
    _flag("mere_read"),
    Index("audit_records_at", "at", "seq"),
    Index("audit_records_path", "path", "at", "seq"),
    Index("audit_records_principal", "principal", "at", "seq"),
    Index("audit_records_action", "action", "at", "seq"),
    Index("audit_records_read", "mere_read", "at"),
)

events = Table("events", metadata, _seq(), _body(), sqlite_autoincrement=True)
"""The outbox; a number is never given twice, also not after the newest rows were removed."""

webhooks = _table(
    "webhooks",
    _seq(),
    _text("id"),
    _text("scope_id"),
    _body(),
    Index("webhooks_id", "id", unique=True),
    Index("webhooks_scope", "scope_id", "seq"),
)

webhook_deliveries = _table(
    "webhook_deliveries",
    _seq(),
    _text("id"),
    _text("webhook_id"),
    _text("state"),
    _big("next_at"),
    _big("ended_at"),
    _body(),
    Index("webhook_deliveries_id", "id", unique=True),
    Index("webhook_deliveries_of", "webhook_id", "state", "seq"),
    Index("webhook_deliveries_due", "state", "next_at"),
    Index("webhook_deliveries_ended", "ended_at"),
)
