CREATE TABLE datastores (
  scope_id TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (scope_id, name)
)
 WITHOUT ROWID;

CREATE TABLE staged_blocks (
  container TEXT NOT NULL,
  path TEXT NOT NULL,
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (container, path, owner, id)
)
 WITHOUT ROWID;

CREATE INDEX staged_blocks_at ON staged_blocks (at);

CREATE TABLE stored_files (
  container TEXT NOT NULL,
  path TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (container, path)
)
 WITHOUT ROWID;

CREATE TABLE upload_areas (
  id TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  container TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX upload_areas_expiry ON upload_areas (expires_at);
