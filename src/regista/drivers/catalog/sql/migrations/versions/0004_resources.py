"""Computes and connections of workspaces."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE resources (
  scope_id TEXT{collate} NOT NULL,
  kind TEXT{collate} NOT NULL,
  name TEXT{collate} NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (scope_id, kind, name)
)
"""


def upgrade() -> None:
    """Make the table."""
    postgres = op.get_bind().dialect.name == "postgresql"
    op.execute(_TABLE.format(collate=' COLLATE "C"' if postgres else ""))
