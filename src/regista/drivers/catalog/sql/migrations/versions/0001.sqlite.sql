CREATE TABLE artifacts (
  scope_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  path TEXT NOT NULL,
  digest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (scope_id, owner, path)
)
 WITHOUT ROWID;

CREATE TABLE assets (
  seq INTEGER NOT NULL,
  scope_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  archived INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX assets_name ON assets (scope_id, kind, name);

CREATE INDEX assets_newest ON assets (scope_id, kind, created_at, seq);

CREATE TABLE audit_records (
  seq INTEGER NOT NULL,
  at BIGINT NOT NULL,
  principal TEXT NOT NULL,
  path TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE INDEX audit_records_at ON audit_records (at, seq);

CREATE INDEX audit_records_path ON audit_records (path, at, seq);

CREATE INDEX audit_records_principal ON audit_records (principal, at, seq);

CREATE TABLE blob_claims (
  digest TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  size BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (digest, scope_id, principal_id)
)
 WITHOUT ROWID;

CREATE INDEX blob_claims_at ON blob_claims (at);

CREATE TABLE deployment_generations (
  node TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (node)
);

CREATE TABLE deployments (
  scope_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (scope_id, endpoint, name)
);

CREATE TABLE endpoints (
  seq INTEGER NOT NULL,
  scope_id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX endpoints_name ON endpoints (scope_id, name);

CREATE INDEX endpoints_newest ON endpoints (created_at, seq);

CREATE TABLE events (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL
);

CREATE TABLE experiments (
  seq INTEGER NOT NULL,
  scope_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  name TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX experiments_name ON experiments (scope_id, name);

CREATE UNIQUE INDEX experiments_number ON experiments (scope_id, number);

CREATE TABLE jobs (
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  name TEXT NOT NULL,
  parent TEXT NOT NULL,
  status TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_by TEXT NOT NULL,
  reuse_key TEXT NOT NULL,
  reused_from TEXT NOT NULL,
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

CREATE INDEX jobs_started ON jobs (scope_id, experiment, started_at, created_at, seq);

CREATE INDEX jobs_status ON jobs (scope_id, status);

CREATE TABLE keys (
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id),
  UNIQUE (secret_hash)
);

CREATE INDEX keys_of_principal ON keys (principal_id, created_at, seq);

CREATE TABLE leases (
  job_id TEXT NOT NULL,
  due BIGINT,
  ready BIGINT,
  until BIGINT,
  worker TEXT NOT NULL,
  fence BIGINT NOT NULL,
  handle TEXT NOT NULL,
  PRIMARY KEY (job_id)
);

CREATE INDEX leases_ready ON leases (ready);

CREATE TABLE lineage_edges (
  source BIGINT NOT NULL,
  target BIGINT NOT NULL,
  type TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (source, target, type, role)
)
 WITHOUT ROWID;

CREATE INDEX lineage_edges_upstream ON lineage_edges (target, source);

CREATE TABLE lineage_nodes (
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (name)
);

CREATE TABLE logged_models (
  seq INTEGER NOT NULL,
  scope_id TEXT NOT NULL,
  id TEXT NOT NULL,
  experiment BIGINT NOT NULL,
  run TEXT NOT NULL,
  name TEXT NOT NULL,
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
  value DOUBLE NOT NULL,
  PRIMARY KEY (metric, step, timestamp, is_number, value)
)
 WITHOUT ROWID;

CREATE TABLE principals (
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (name)
);

CREATE TABLE resource_groups (
  subscription TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (subscription, name)
);

CREATE TABLE role_assignments (
  id TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  role TEXT NOT NULL,
  path TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id)
);

CREATE UNIQUE INDEX role_assignments_once ON role_assignments (principal_id, role, path);

CREATE INDEX role_assignments_path ON role_assignments (path);

CREATE TABLE roles (
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE scopes (
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  subscription TEXT NOT NULL,
  resource_group TEXT NOT NULL,
  name TEXT NOT NULL,
  deleted_at BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  UNIQUE (id)
);

CREATE INDEX scopes_by_name ON scopes (name, seq);

CREATE UNIQUE INDEX scopes_registry_name ON scopes (name) WHERE kind = 'registry' AND deleted_at IS NULL;

CREATE UNIQUE INDEX scopes_workspace_name ON scopes (name, resource_group, subscription) WHERE kind = 'workspace' AND deleted_at IS NULL;

CREATE TABLE settings (
  "key" TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY ("key")
);

CREATE TABLE store_regions (
  region TEXT NOT NULL,
  store TEXT NOT NULL,
  PRIMARY KEY (region)
);

CREATE TABLE stores (
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE subscriptions (
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE traffic_changes (
  seq INTEGER NOT NULL,
  scope_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE INDEX traffic_changes_at ON traffic_changes (scope_id, endpoint, at, seq);

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
  PRIMARY KEY (seq),
  UNIQUE (id)
);

CREATE INDEX versions_content ON versions (scope_id, content);

CREATE UNIQUE INDEX versions_name ON versions (scope_id, kind, name, version);

CREATE INDEX versions_newest ON versions (scope_id, kind, created_at, seq);

CREATE INDEX versions_newest_of_name ON versions (scope_id, kind, name, created_at, seq);

CREATE TABLE asset_tags (
  owner BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  head TEXT NOT NULL,
  value TEXT NOT NULL,
  place TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, "key"),
  FOREIGN KEY(owner) REFERENCES assets (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX asset_tags_value ON asset_tags (place, "key", head, created_at, owner);

CREATE TABLE datasets (
  seq INTEGER NOT NULL,
  job BIGINT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (seq),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE UNIQUE INDEX datasets_name ON datasets (job, name, digest);

CREATE TABLE experiment_tags (
  owner BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  head TEXT NOT NULL,
  value TEXT NOT NULL,
  place TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, "key"),
  FOREIGN KEY(owner) REFERENCES experiments (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX experiment_tags_value ON experiment_tags (place, "key", head, created_at, owner);

CREATE TABLE metrics (
  seq INTEGER NOT NULL,
  job BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  step BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  is_number INTEGER NOT NULL,
  value DOUBLE NOT NULL,
  PRIMARY KEY (seq),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
);

CREATE UNIQUE INDEX metrics_key ON metrics (job, "key");

CREATE TABLE params (
  job BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  head TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (job, "key"),
  FOREIGN KEY(job) REFERENCES jobs (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE run_tags (
  owner BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  head TEXT NOT NULL,
  value TEXT NOT NULL,
  place TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, "key"),
  FOREIGN KEY(owner) REFERENCES jobs (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX run_tags_value ON run_tags (place, "key", head, created_at, owner);

CREATE TABLE version_tags (
  owner BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  head TEXT NOT NULL,
  value TEXT NOT NULL,
  place TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (owner, "key"),
  FOREIGN KEY(owner) REFERENCES versions (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX version_tags_value ON version_tags (place, "key", head, created_at, owner);
