"""Webhooks and the messages to them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    """
CREATE TABLE webhooks (
  seq {number},
  id TEXT{collate} NOT NULL,
  scope_id TEXT{collate} NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
)
""",
    """
CREATE TABLE webhook_deliveries (
  seq {number},
  id TEXT{collate} NOT NULL,
  webhook_id TEXT{collate} NOT NULL,
  state TEXT{collate} NOT NULL,
  next_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
)
""",
)


def upgrade() -> None:
    """Make the tables."""
    postgres = op.get_bind().dialect.name == "postgresql"
    number, collate = ("BIGSERIAL NOT NULL", ' COLLATE "C"') if postgres else ("INTEGER NOT NULL", "")
    for table in _TABLES:
        op.execute(table.format(number=number, collate=collate))
    op.execute("CREATE UNIQUE INDEX webhooks_id ON webhooks (id)")
    op.execute("CREATE INDEX webhooks_scope ON webhooks (scope_id, seq)")
    op.execute("CREATE UNIQUE INDEX webhook_deliveries_id ON webhook_deliveries (id)")
    op.execute("CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook_id, state, seq)")
    op.execute("CREATE INDEX webhook_deliveries_due ON webhook_deliveries (state, next_at)")
    op.execute("CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at)")
