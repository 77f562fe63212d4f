"""Audit records can be looked for by action and outcome, and those of mere reads can be told apart.

On SQLite the table is made anew, so that a migrated database is drawn like a fresh one.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SQLITE = """
DROP INDEX audit_records_at;
DROP INDEX audit_records_path;
DROP INDEX audit_records_principal;
ALTER TABLE audit_records RENAME TO audit_records_before;
CREATE TABLE audit_records (
  seq INTEGER NOT NULL,
  at BIGINT NOT NULL,
  principal TEXT NOT NULL,
  path TEXT NOT NULL,
  body TEXT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  mere_read INTEGER NOT NULL,
  PRIMARY KEY (seq)
);
INSERT INTO audit_records SELECT seq, at, principal, path, body, json_extract(body, '$.action'),
  json_extract(body, '$.outcome'), 0 FROM audit_records_before;
DROP TABLE audit_records_before;
CREATE INDEX audit_records_at ON audit_records (at, seq);
CREATE INDEX audit_records_path ON audit_records (path, at, seq);
CREATE INDEX audit_records_principal ON audit_records (principal, at, seq)
"""

_POSTGRESQL = """
ALTER TABLE audit_records ADD COLUMN action TEXT COLLATE "C", ADD COLUMN outcome TEXT COLLATE "C", ADD COLUMN mere_read INTEGER;
UPDATE audit_records SET action = CAST(body AS json) ->> 'action', outcome = CAST(body AS json) ->> 'outcome', mere_read = 0;
ALTER TABLE audit_records ALTER COLUMN action SET NOT NULL, ALTER COLUMN outcome SET NOT NULL,
  ALTER COLUMN mere_read SET NOT NULL
"""

_BOTH = """
CREATE INDEX audit_records_action ON audit_records (action, at, seq);
CREATE INDEX audit_records_read ON audit_records (mere_read, at)
"""


def upgrade() -> None:
    first = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in f"{first};{_BOTH}".split(";"):
        op.execute(statement)
