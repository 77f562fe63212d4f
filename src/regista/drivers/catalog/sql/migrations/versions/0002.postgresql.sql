CREATE TABLE datastores (
  scope_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (scope_id, name)
);

CREATE TABLE staged_blocks (
  container TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (container, path, owner, id)
);

CREATE INDEX staged_blocks_at ON staged_blocks (at);

CREATE TABLE stored_files (
  container TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (container, path)
);

CREATE TABLE upload_areas (
  id TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  container TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX upload_areas_expiry ON upload_areas (expires_at);
