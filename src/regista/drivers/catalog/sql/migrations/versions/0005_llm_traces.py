"""Traces of language-model programs."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE llm_traces (
  seq {number},
  scope_id TEXT{collate} NOT NULL,
  id TEXT{collate} NOT NULL,
  experiment BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  body TEXT NOT NULL{key}
)
"""


def upgrade() -> None:
    """Make the table."""
    postgres = op.get_bind().dialect.name == "postgresql"
    number, collate = ("BIGSERIAL NOT NULL", ' COLLATE "C"') if postgres else ("INTEGER NOT NULL", "")
    op.execute(_TABLE.format(number=number, collate=collate, key=",\n  PRIMARY KEY (seq)"))
    op.execute("CREATE UNIQUE INDEX llm_traces_id ON llm_traces (scope_id, id)")
    op.execute("CREATE INDEX llm_traces_newest ON llm_traces (scope_id, experiment, started_at, seq)")
