"""Every measurement of a logged model, and links of runs to traces that have not come yet."""

import json

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_METRICS = """
CREATE TABLE logged_model_metrics (
  model BIGINT NOT NULL,
  "key" TEXT{collate} NOT NULL,
  timestamp BIGINT NOT NULL,
  step BIGINT NOT NULL,
  run TEXT{collate} NOT NULL,
  dataset_name TEXT{collate} NOT NULL,
  dataset_digest TEXT{collate} NOT NULL,
  is_number INTEGER NOT NULL,
  value {double} NOT NULL,
  PRIMARY KEY (model, "key", timestamp, step, run, dataset_name, dataset_digest, is_number, value)
){tail}
"""
_LINKS = """
CREATE TABLE llm_trace_links (
  scope_id TEXT{collate} NOT NULL,
  trace TEXT{collate} NOT NULL,
  run TEXT{collate} NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (scope_id, trace, run)
)
"""
_MODELS = text("SELECT seq, body FROM logged_models WHERE seq > :after ORDER BY seq LIMIT 500")
_ADD = text(
    "INSERT INTO logged_model_metrics VALUES (:model, :key, :timestamp, :step, :run, :name, :digest, :is_number, :value)"
    " ON CONFLICT DO NOTHING"
)
_STRIP = text("UPDATE logged_models SET body = :body WHERE seq = :seq")


def upgrade() -> None:
    """Make the tables; what the bodies of logged models say of their metrics goes into rows."""
    postgres = op.get_bind().dialect.name == "postgresql"
    words = {"collate": ' COLLATE "C"', "double": "DOUBLE PRECISION", "tail": ""}
    words = words if postgres else {"collate": "", "double": "DOUBLE", "tail": " WITHOUT ROWID"}
    op.execute(_METRICS.format(**words))
    op.execute(_LINKS.format(**words))
    connection, after = op.get_bind(), -1
    while models := connection.execute(_MODELS, {"after": after}).all():
        for seq, content in models:
            body = json.loads(content)
            if metrics := body.pop("metrics", ()):
                connection.execute(_ADD, [_row(seq, one) for one in metrics])
                connection.execute(_STRIP, {"seq": seq, "body": json.dumps(body, ensure_ascii=False)})
        after = models[-1][0]


def _row(model: int, one: dict[str, object]) -> dict[str, object]:
    return {
        "model": model,
        "key": one["key"],
        "timestamp": one["timestamp"],
        "step": one.get("step", 0),
        "run": one.get("run", ""),
        "name": one.get("dataset_name", ""),
        "digest": one.get("dataset_digest", ""),
        "is_number": int(one["value"] is not None),
        "value": one["value"] or 0.0,
    }
