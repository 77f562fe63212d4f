"""Datastores, upload areas and their files."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and indexes, by the statements of the database's own file."""
    statements = Path(__file__).with_name(f"{revision}.{op.get_bind().dialect.name}.sql").read_text(encoding="utf-8")
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)
