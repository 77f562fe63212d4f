CREATE TABLE artifacts (
  scope_id TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (scope_id, owner, path)
);

CREATE TABLE assets (
  seq BIGSERIAL NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  archived INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX assets_name ON assets (scope_id, kind, name);

CREATE INDEX assets_newest ON assets (scope_id, kind, created_at, seq);

CREATE TABLE audit_records (
  seq BIGSERIAL NOT NULL,
  at BIGINT NOT NULL,
  principal TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE INDEX audit_records_at ON audit_records (at, seq);

CREATE INDEX audit_records_path ON audit_records (path, at, seq);

CREATE INDEX audit_records_principal ON audit_records (principal, at, seq);

CREATE TABLE blob_claims (
  digest TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  principal_id TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (digest, scope_id, principal_id)
);

CREATE INDEX blob_claims_at ON blob_claims (at);

CREATE TABLE deployment_generations (
  node TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (node)
);

CREATE TABLE deployments (
  scope_id TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (scope_id, endpoint, name)
);

CREATE TABLE endpoints (
  seq BIGSERIAL NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX endpoints_name ON endpoints (scope_id, name);

CREATE INDEX endpoints_newest ON endpoints (created_at, seq);

CREATE TABLE events (
  seq BIGSERIAL NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE TABLE experiments (
  seq BIGSERIAL NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  deleted INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX experiments_name ON experiments (scope_id, name);

CREATE UNIQUE INDEX experiments_number ON experiments (scope_id, number);

CREATE TABLE jobs (
  seq BIGSERIAL NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  parent TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  display_name TEXT COLLATE "C" NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  reuse_key TEXT COLLATE "C" NOT NULL,
  reused_from TEXT COLLATE "C" NOT NULL,
  experiment BIGINT NOT NULL,
  archived INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  ended_at BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);

CREATE UNIQUE INDEX jobs_name ON jobs (scope_id, name);

CREATE INDEX jobs_newest ON jobs (scope_id, created_at, seq);

CREATE INDEX jobs_newest_of_parent ON jobs (scope_id, parent, created_at, seq);

CREATE INDEX jobs_of_experiment ON jobs (scope_id, experiment, created_at, seq);

CREATE INDEX jobs_reuse ON jobs (scope_id, reuse_key, created_at, seq) WHERE reuse_key <> '';

CREATE INDEX jobs_status ON jobs (scope_id, status);

CREATE TABLE keys (
  seq BIGSERIAL NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  secret_hash TEXT COLLATE "C" NOT NULL,
  principal_id TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id),
  UNIQUE (secret_hash)
);

CREATE INDEX keys_of_principal ON keys (principal_id, created_at, seq);

CREATE TABLE leases (
  job_id TEXT COLLATE "C" NOT NULL,
  due BIGINT,
  ready BIGINT,
  until BIGINT,
  worker TEXT COLLATE "C" NOT NULL,
  fence BIGINT NOT NULL,
  handle TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (job_id)
);

CREATE INDEX leases_ready ON leases (ready);

CREATE TABLE lineage_edges (
  source BIGINT NOT NULL,
  target BIGINT NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (source, target, type, role)
);

CREATE INDEX lineage_edges_upstream ON lineage_edges (target, source);

CREATE TABLE lineage_nodes (
  seq BIGSERIAL NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (name)
);

CREATE TABLE logged_models (
  seq BIGSERIAL NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  experiment BIGINT NOT NULL,
  run TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  deleted INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX logged_models_id ON logged_models (scope_id, id);

CREATE INDEX logged_models_newest ON logged_models (scope_id, experiment, created_at, seq);

CREATE INDEX logged_models_of_run ON logged_models (scope_id, run);

CREATE TABLE metric_points (
  metric BIGINT NOT NULL,
  step BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  is_number INTEGER NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (metric, step, timestamp, is_number, value)
);

CREATE TABLE principals (
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (name)
);

CREATE TABLE resource_groups (
  subscription TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (subscription, name)
);

CREATE TABLE role_assignments (
  id TEXT COLLATE "C" NOT NULL,
  principal_id TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id)
);

CREATE UNIQUE INDEX role_assignments_once ON role_assignments (principal_id, role, path);

CREATE INDEX role_assignments_path ON role_assignments (path);

CREATE TABLE roles (
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE scopes (
  seq BIGSERIAL NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  subscription TEXT COLLATE "C" NOT NULL,
  resource_group TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  deleted_at BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);

CREATE INDEX scopes_by_name ON scopes (name, seq);

CREATE UNIQUE INDEX scopes_registry_name ON scopes (name) WHERE kind = 'registry' AND deleted_at IS NULL;

CREATE UNIQUE INDEX scopes_workspace_name ON scopes (name, resource_group, subscription) WHERE kind = 'workspace' AND deleted_at IS NULL;

CREATE TABLE settings (
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (key)
);

CREATE TABLE store_regions (
  region TEXT COLLATE "C" NOT NULL,
  store TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (region)
);

CREATE TABLE stores (
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE subscriptions (
  name TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE traffic_changes (
  seq BIGSERIAL NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE INDEX traffic_changes_at ON traffic_changes (scope_id, endpoint, at, seq);

CREATE TABLE versions (
  seq BIGSERIAL NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  scope_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  content TEXT COLLATE "C" NOT NULL,
  manifest TEXT COLLATE "C" NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  archived INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);

CREATE INDEX versions_content ON versions (scope_id, content);

CREATE UNIQUE INDEX versions_name ON versions (scope_id, kind, name, version);

CREATE INDEX versions_newest ON versions (scope_id, kind, created_at, seq);

CREATE INDEX versions_newest_of_name ON versions (scope_id, kind, name, created_at, seq);

CREATE TABLE asset_tags (
  owner BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  head TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, key),
  FOREIGN KEY(owner) REFERENCES assets (seq) ON DELETE CASCADE
);

CREATE INDEX asset_tags_value ON asset_tags (place, key, head, created_at, owner);

CREATE TABLE datasets (
  seq BIGSERIAL NOT NULL,
  job BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE UNIQUE INDEX datasets_name ON datasets (job, name, digest);

CREATE TABLE experiment_tags (
  owner BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  head TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, key),
  FOREIGN KEY(owner) REFERENCES experiments (seq) ON DELETE CASCADE
);

CREATE INDEX experiment_tags_value ON experiment_tags (place, key, head, created_at, owner);

CREATE TABLE metrics (
  seq BIGSERIAL NOT NULL,
  job BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  step BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  is_number INTEGER NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (seq),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE UNIQUE INDEX metrics_key ON metrics (job, key);

CREATE TABLE params (
  job BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  head TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (job, key),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE TABLE run_tags (
  owner BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  head TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, key),
  FOREIGN KEY(owner) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE INDEX run_tags_value ON run_tags (place, key, head, created_at, owner);

CREATE TABLE version_tags (
  owner BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  head TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  place TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, key),
  FOREIGN KEY(owner) REFERENCES versions (seq) ON DELETE CASCADE
);

CREATE INDEX version_tags_value ON version_tags (place, key, head, created_at, owner);
