"""The schema, whole. Columns hold what is looked for and sorted by; ``body`` holds the entity itself, as JSON.

``seq`` numbers the rows in the order of their making: lists are sorted by (``created_at``, ``seq``), so that two things of
the same millisecond still have an order. Text compares by bytes on both databases. Times are milliseconds since 1970.
"""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, PrimaryKeyConstraint, Table, text

from regista.drivers.catalog.sql.drawing import big, body, flag, metadata, seq, table, words

REVISION = "0009"
"""The newest revision of the schema: what this Regista works with. Revisions are numbers, so that newer ones are known."""

HEAD = 128
"""Characters of a tag's or a parameter's value that are indexed and sorted by: an index has no room for long ones."""

settings = table("settings", words("key", primary_key=True), words("value"))

subscriptions = table("subscriptions", words("name", primary_key=True), body())

resource_groups = table(
    "resource_groups", words("subscription"), words("name"), body(), PrimaryKeyConstraint("subscription", "name")
)

scopes = table(
    "scopes",
    seq(),
    words("id", unique=True),
    words("kind"),
    words("subscription"),
    words("resource_group"),
    words("name"),
    big("deleted_at", nullable=True),
    body(),
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

stores = table("stores", words("name", primary_key=True), body())
store_regions = table("store_regions", words("region", primary_key=True), words("store"))

assets = table(
    "assets",
    seq(),
    words("scope_id"),
    words("kind"),
    words("name"),
    flag("archived"),
    big("created_at"),
    body(),
    Index("assets_name", "scope_id", "kind", "name", unique=True),
    Index("assets_newest", "scope_id", "kind", "created_at", "seq"),
)

versions = table(
    "versions",
    seq(),
    words("id", unique=True),
    words("scope_id"),
    words("kind"),
    words("name"),
    words("version"),
    words("type"),
    words("content"),
    words("manifest"),
    words("created_by"),
    flag("archived"),
    big("created_at"),
    big("deleted_at", nullable=True),
    body(),
    big("updated_at"),
    words("run"),
    words("source"),
    Index("versions_name", "scope_id", "kind", "name", "version", unique=True),
    Index("versions_newest_of_name", "scope_id", "kind", "name", "created_at", "seq"),
    Index("versions_newest", "scope_id", "kind", "created_at", "seq"),
    Index("versions_changed_of_name", "scope_id", "kind", "name", "updated_at", "seq"),
    Index("versions_content", "scope_id", "content"),
    Index("versions_run", "scope_id", "kind", "run"),
)

blob_claims = table(
    "blob_claims",
    words("digest"),
    words("scope_id"),
    words("principal_id"),
    big("size"),
    big("at"),
    PrimaryKeyConstraint("digest", "scope_id", "principal_id"),
    Index("blob_claims_at", "at"),
    rowid=False,
)

jobs = table(
    "jobs",
    seq(),
    words("id", unique=True),
    words("scope_id"),
    words("name"),
    words("parent"),
    words("status"),
    words("display_name"),
    words("created_by"),
    words("reuse_key"),
    words("reused_from"),
    big("experiment"),
    flag("archived"),
    flag("deleted"),
    big("created_at"),
    big("started_at", nullable=True),
    big("ended_at", nullable=True),
    body(),
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

leases = table(
    "leases",
    words("job_id", primary_key=True),
    big("due", nullable=True),
    big("ready", nullable=True),
    big("until", nullable=True),
    words("worker"),
    big("fence"),
    words("handle"),
    Index("leases_ready", "ready"),
)

metrics = table(
    "metrics",
    seq(),
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    words("key"),
    big("step"),
    big("timestamp"),
    flag("is_number"),  # NaN is stored as (0, 0.0): SQLite has no NaN, and neither has an order for it
    Column("value", Double, nullable=False),
    Index("metrics_key", "job", "key", unique=True),
)

metric_points = table(
    "metric_points",
    big("metric"),
    big("step"),
    big("timestamp"),
    flag("is_number"),
    Column("value", Double, nullable=False),
    PrimaryKeyConstraint("metric", "step", "timestamp", "is_number", "value"),
    rowid=False,
)

params = table(
    "params",
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    words("key"),
    words("head"),
    words("value"),
    PrimaryKeyConstraint("job", "key"),
    rowid=False,
)

datasets = table(
    "datasets",
    seq(),
    Column("job", BigInteger, ForeignKey(jobs.c.seq, ondelete="CASCADE"), nullable=False),
    words("name"),
    words("digest"),
    body(),
    Index("datasets_name", "job", "name", "digest", unique=True),
)

experiments = table(
    "experiments",
    seq(),
    words("scope_id"),
    big("number"),
    words("name"),
    flag("deleted"),
    big("created_at"),
    big("updated_at"),
    body(),
    Index("experiments_number", "scope_id", "number", unique=True),
    Index("experiments_name", "scope_id", "name", unique=True),
)


def _tags(name: str, owners: Table) -> Table:
    """Tags, with what their owners are listed by: a page of those with one tag is read straight from the index.

    ``place`` is the scope, and for assets and versions the kind (``SCOPE/model``)."""
    return table(
        name,
        Column("owner", BigInteger, ForeignKey(owners.c.seq, ondelete="CASCADE"), nullable=False),
        words("key"),
        words("head"),
        words("value"),
        words("place"),
        big("created_at"),
        PrimaryKeyConstraint("owner", "key"),
        Index(f"{name}_value", "place", "key", "head", "created_at", "owner"),
        rowid=False,
    )


asset_tags = _tags("asset_tags", assets)
version_tags = _tags("version_tags", versions)
run_tags = _tags("run_tags", jobs)
experiment_tags = _tags("experiment_tags", experiments)

artifacts = table(
    "artifacts",
    words("scope_id"),
    words("owner"),
    words("path"),
    words("digest"),
    big("size"),
    PrimaryKeyConstraint("scope_id", "owner", "path"),
    rowid=False,
)

datastores = table(
    "datastores", words("scope_id"), words("name"), body(), PrimaryKeyConstraint("scope_id", "name"), rowid=False
)

upload_areas = table(
    "upload_areas",
    words("id", primary_key=True),
    words("scope_id"),
    words("container"),
    big("expires_at"),
    body(),
    Index("upload_areas_expiry", "expires_at"),
)

stored_files = table(
    "stored_files",
    words("container"),
    words("path"),
    words("scope_id"),
    words("owner"),
    words("digest"),
    body(),
    PrimaryKeyConstraint("container", "path"),
    rowid=False,
)

staged_blocks = table(
    "staged_blocks",
    words("container"),
    words("path"),
    words("owner"),
    words("id"),
    words("scope_id"),
    words("digest"),
    big("at"),
    body(),
    PrimaryKeyConstraint("container", "path", "owner", "id"),
    Index("staged_blocks_at", "at"),
    rowid=False,
)

logged_models = table(
    "logged_models",
    seq(),
    words("scope_id"),
    words("id"),
    big("experiment"),
    words("run"),
    words("name"),
    flag("deleted"),
    big("created_at"),
    body(),
    Index("logged_models_id", "scope_id", "id", unique=True),
    Index("logged_models_newest", "scope_id", "experiment", "created_at", "seq"),
    Index("logged_models_of_run", "scope_id", "run"),
)

logged_model_metrics = table(
    "logged_model_metrics",
    big("model"),
    words("key"),
    *map(big, ("timestamp", "step")),
    *map(words, ("run", "dataset_name", "dataset_digest")),
    flag("is_number"),
    Column("value", Double, nullable=False),
    PrimaryKeyConstraint(*"model key timestamp step run dataset_name dataset_digest is_number value".split()),
    rowid=False,
)

llm_traces = table(
    "llm_traces",
    seq(),
    words("scope_id"),
    words("id"),
    big("experiment"),
    big("started_at"),
    body(),
    Index("llm_traces_id", "scope_id", "id", unique=True),
    Index("llm_traces_newest", "scope_id", "experiment", "started_at", "seq"),
)

llm_trace_links = table(
    "llm_trace_links",
    words("scope_id"),
    words("trace"),
    words("run"),
    big("at"),
    PrimaryKeyConstraint("scope_id", "trace", "run"),
)

resources = table(
    "resources",
    words("scope_id"),
    words("kind"),
    words("name"),
    body(),
    PrimaryKeyConstraint("scope_id", "kind", "name"),
)
"""Computes and connections."""

endpoints = table(
    "endpoints",
    seq(),
    words("scope_id"),
    words("name"),
    big("created_at"),
    body(),
    Index("endpoints_name", "scope_id", "name", unique=True),
    Index("endpoints_newest", "created_at", "seq"),
)

deployments = table(
    "deployments",
    words("scope_id"),
    words("endpoint"),
    words("name"),
    body(),
    PrimaryKeyConstraint("scope_id", "endpoint", "name"),
)
deployment_generations = table("deployment_generations", words("node", primary_key=True), body())

traffic_changes = table(
    "traffic_changes",
    seq(),
    words("scope_id"),
    words("endpoint"),
    big("at"),
    body(),
    Index("traffic_changes_at", "scope_id", "endpoint", "at", "seq"),
)

lineage_nodes = table("lineage_nodes", seq(), words("name", unique=True))

lineage_edges = table(
    "lineage_edges",
    big("source"),
    big("target"),
    words("type"),
    words("role"),
    big("created_at"),
    PrimaryKeyConstraint("source", "target", "type", "role"),
    Index("lineage_edges_upstream", "target", "source"),
    rowid=False,
)

principals = table("principals", words("id", primary_key=True), words("name", unique=True), body())

keys = table(
    "keys",
    seq(),
    words("id", unique=True),
    words("secret_hash", unique=True),
    words("principal_id"),
    big("created_at"),
    body(),
    Index("keys_of_principal", "principal_id", "created_at", "seq"),
)

roles = table("roles", words("name", primary_key=True), body())

role_assignments = table(
    "role_assignments",
    words("id", primary_key=True),
    words("principal_id"),
    words("role"),
    words("path"),
    body(),
    Index("role_assignments_once", "principal_id", "role", "path", unique=True),
    Index("role_assignments_path", "path"),
)

audit_records = table(
    "audit_records",
    seq(),
    big("at"),
    words("principal"),
    words("path"),
    body(),
    words("action"),
    words("outcome"),
    flag("mere_read"),
    Index("audit_records_at", "at", "seq"),
    Index("audit_records_path", "path", "at", "seq"),
    Index("audit_records_principal", "principal", "at", "seq"),
    Index("audit_records_action", "action", "at", "seq"),
    Index("audit_records_read", "mere_read", "at"),
)

events = Table("events", metadata, seq(), body(), sqlite_autoincrement=True)
"""The outbox; a number is never given twice, also not after the newest rows were removed."""

webhooks = table(
    "webhooks",
    seq(),
    words("id"),
    words("scope_id"),
    body(),
    Index("webhooks_id", "id", unique=True),
    Index("webhooks_scope", "scope_id", "seq"),
)

webhook_deliveries = table(
    "webhook_deliveries",
    seq(),
    words("id"),
    words("webhook_id"),
    words("state"),
    big("next_at"),
    big("ended_at"),
    body(),
    Index("webhook_deliveries_id", "id", unique=True),
    Index("webhook_deliveries_of", "webhook_id", "state", "seq"),
    Index("webhook_deliveries_due", "state", "next_at"),
    Index("webhook_deliveries_ended", "ended_at"),
)
