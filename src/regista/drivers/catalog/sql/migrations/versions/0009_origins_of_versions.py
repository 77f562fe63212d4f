"""Versions are found by the run that they come from, and by the source that was said.

On SQLite the table is made anew, so that a migrated database is drawn like a fresh one; the tags go on to refer to it by name.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SQLITE = """
PRAGMA legacy_alter_table = ON;
ALTER TABLE versions RENAME TO versions_before;
PRAGMA legacy_alter_table = OFF;
DROP INDEX versions_name;
DROP INDEX versions_newest_of_name;
DROP INDEX versions_newest;
DROP INDEX versions_changed_of_name;
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
  run TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);
INSERT INTO versions SELECT *, '', coalesce(json_extract(body, '$.source.uri'), '') FROM versions_before;
UPDATE versions SET run = substr(json_extract(body, '$.source.node'), instr(json_extract(body, '$.source.node'), '/') + 1)
 WHERE json_extract(body, '$.source.node') LIKE 'job:%';
UPDATE versions SET run = json_extract(body, '$.source.run_id') WHERE length(json_extract(body, '$.source.run_id')) BETWEEN 1 AND 255;
DROP TABLE versions_before;
CREATE UNIQUE INDEX versions_name ON versions (scope_id, kind, name, version);
CREATE INDEX versions_newest_of_name ON versions (scope_id, kind, name, created_at, seq);
CREATE INDEX versions_newest ON versions (scope_id, kind, created_at, seq);
CREATE INDEX versions_changed_of_name ON versions (scope_id, kind, name, updated_at, seq);
CREATE INDEX versions_content ON versions (scope_id, content)
"""

_POSTGRESQL = """
ALTER TABLE versions ADD COLUMN run TEXT COLLATE "C", ADD COLUMN source TEXT COLLATE "C";
UPDATE versions SET source = coalesce(CAST(body AS json) -> 'source' ->> 'uri', ''), run = coalesce(
  substring(CAST(body AS json) -> 'source' ->> 'run_id' FROM '^.{1,255}$'),
  substring(CAST(body AS json) -> 'source' ->> 'node' FROM '^job:[^/]*/(.*)$'),
  ''
);
ALTER TABLE versions ALTER COLUMN run SET NOT NULL, ALTER COLUMN source SET NOT NULL
"""

_BOTH = "CREATE INDEX versions_run ON versions (scope_id, kind, run)"


def upgrade() -> None:
    """Add the columns and the index."""
    first = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in f"{first};{_BOTH}".split(";"):
        op.execute(statement)
