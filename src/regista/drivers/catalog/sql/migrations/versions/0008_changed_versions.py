"""Versions are listed by when they were changed: a page of ten thousand is read from an index.

On SQLite the table is made anew, so that a migrated database is drawn like a fresh one; the tags go on to refer to it by name.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQLITE = """
PRAGMA legacy_alter_table = ON;
ALTER TABLE versions RENAME TO versions_before;
PRAGMA legacy_alter_table = OFF;
DROP INDEX versions_name;
DROP INDEX versions_newest_of_name;
DROP INDEX versions_newest;
DROP INDEX versions_content;
CREATE TABLE versions (
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  type TEXT NOT NULL,
  content TEXT NOT NULL,
  manifest TEXT NOT NULL,
  created_by TEXT NOT NULL,
  archived INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  body TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);
INSERT INTO versions SELECT *, coalesce(json_extract(body, '$.updated_at'), 0) FROM versions_before;
DROP TABLE versions_before;
CREATE UNIQUE INDEX versions_name ON versions (scope_id, kind, name, version);
CREATE INDEX versions_newest_of_name ON versions (scope_id, kind, name, created_at, seq);
CREATE INDEX versions_newest ON versions (scope_id, kind, created_at, seq);
CREATE INDEX versions_content ON versions (scope_id, content)
"""

_POSTGRESQL = """
ALTER TABLE versions ADD COLUMN updated_at BIGINT;
UPDATE versions SET updated_at = coalesce(CAST(CAST(body AS json) ->> 'updated_at' AS BIGINT), 0);
ALTER TABLE versions ALTER COLUMN updated_at SET NOT NULL
"""

_BOTH = "CREATE INDEX versions_changed_of_name ON versions (scope_id, kind, name, updated_at, seq)"


def upgrade() -> None:
    """Add the column and its index."""
    first = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in f"{first};{_BOTH}".split(";"):
        op.execute(statement)
