-- Up Migration
-- The schema for twenty million findings: wide text lives once in dictionaries, a finding of a scan is a narrow
-- row, what the lists show is kept in tables of its own ("maintained" below), and every table that an answer is
-- computed from tells in the same transaction which cached answers a change puts out of service.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- ---------------------------------------------------------------- what is kept

-- Two installations on one Redis never meet: the id is part of every key.
CREATE TABLE installation (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

-- type to resource_name never change: other tables' tags and the scan lists rely on it.
CREATE TABLE artifact (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL CHECK (type IN ('image', 'repository', 'filesystem', 'sbom', 'vm', 'kubernetes')),
  name text COLLATE "C" NOT NULL,
  repository text COLLATE "C" NOT NULL,
  version text,
  cluster text,
  namespace text,
  resource_kind text,
  resource_name text,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- the last time something was received of it, by which it becomes stale
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  stale boolean NOT NULL DEFAULT false,
  -- maintained from its latest scans (and newest, for labels)
  newest_scan_id bigint,
  vulnerability_scan_id bigint,
  labels jsonb NOT NULL DEFAULT '{}',
  eosl boolean NOT NULL DEFAULT false,
  critical integer NOT NULL DEFAULT 0,
  high integer NOT NULL DEFAULT 0,
  medium integer NOT NULL DEFAULT 0,
  low integer NOT NULL DEFAULT 0,
  unknown integer NOT NULL DEFAULT 0,
  fixable integer NOT NULL DEFAULT 0,
  misconfigurations integer NOT NULL DEFAULT 0,
  secrets integer NOT NULL DEFAULT 0,
  licenses integer NOT NULL DEFAULT 0,
  -- counts as one sortable value, the most severe first
  severity_order bytea NOT NULL GENERATED ALWAYS AS
    (int4send(critical) || int4send(high) || int4send(medium) || int4send(low) || int4send(unknown)) STORED,
  UNIQUE (type, name)
);
CREATE INDEX artifact_name ON artifact (name, id);
CREATE INDEX artifact_severity ON artifact (severity_order, id);
CREATE INDEX artifact_last_seen ON artifact (last_seen_at, id);
CREATE INDEX artifact_repository ON artifact (repository, type);
CREATE INDEX artifact_cluster ON artifact (cluster, namespace) WHERE cluster IS NOT NULL;
CREATE INDEX artifact_labels ON artifact USING gin (labels jsonb_path_ops);
CREATE INDEX artifact_search ON artifact USING gin (lower(name) gin_trgm_ops);

-- Who runs an image, as the operator told.
CREATE TABLE artifact_workload (
  artifact_id integer NOT NULL REFERENCES artifact ON DELETE CASCADE,
  cluster text NOT NULL,
  namespace text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  container text NOT NULL,
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (artifact_id, cluster, namespace, kind, name, container)
);
CREATE INDEX artifact_workload_place ON artifact_workload (cluster, namespace);

-- A document as it was sent; several scans may come from one. Of it a cached answer shows its size alone.
CREATE TABLE document (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sha256 bytea NOT NULL,
  bytes bigint NOT NULL,
  gzip bytea NOT NULL
);
ALTER TABLE document ALTER COLUMN gzip SET STORAGE EXTERNAL;

-- kinds and latest_kinds are sets of bits: 1 vulnerability, 2 misconfiguration, 4 secret, 8 license.
CREATE TABLE scan (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  artifact_id integer NOT NULL REFERENCES artifact ON DELETE CASCADE,
  artifact_name text COLLATE "C" NOT NULL,
  document_id bigint NOT NULL REFERENCES document,
  kinds smallint NOT NULL,
  latest_kinds smallint NOT NULL DEFAULT 0,
  scanned_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  report_id text,
  document_sha256 bytea NOT NULL,
  findings_sha256 bytea NOT NULL,
  digest text,
  trivy_version text,
  os_family text,
  os_name text,
  os_eosl boolean,
  critical integer NOT NULL,
  high integer NOT NULL,
  medium integer NOT NULL,
  low integer NOT NULL,
  unknown integer NOT NULL,
  fixable integer NOT NULL,
  misconfigurations integer NOT NULL,
  secrets integer NOT NULL,
  licenses integer NOT NULL,
  suppressed integer NOT NULL,
  severity_order bytea NOT NULL GENERATED ALWAYS AS
    (int4send(critical) || int4send(high) || int4send(medium) || int4send(low) || int4send(unknown)) STORED,
  labels jsonb NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}',
  warnings jsonb NOT NULL DEFAULT '[]',
  -- the gate: against the scan before it, computed at receipt; null where it looked for no vulnerabilities
  changes jsonb,
  uploaded_by text
);
CREATE INDEX scan_timeline ON scan (artifact_id, scanned_at, received_at, id);
CREATE INDEX scan_latest ON scan (artifact_id) WHERE latest_kinds <> 0;
CREATE INDEX scan_scanned ON scan (scanned_at, id);
CREATE INDEX scan_received ON scan (received_at, id);
CREATE INDEX scan_severity ON scan (severity_order, id);
CREATE INDEX scan_artifact_name ON scan (artifact_name, id);
CREATE INDEX scan_latest_scanned ON scan (scanned_at, id) WHERE latest_kinds <> 0;
CREATE INDEX scan_document ON scan (document_id);
CREATE INDEX scan_labels ON scan USING gin (labels jsonb_path_ops);

-- ---------------------------------------------------------------- dictionaries

-- The texts of a vulnerability; the newest modified_at wins. Severity is the finding's: distributions differ.
CREATE TABLE vulnerability (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- what is read of many rows comes before the texts
  natural_order text COLLATE "C" NOT NULL,
  search text NOT NULL GENERATED ALWAYS AS (lower(vulnerability_id || ' ' || coalesce(title, ''))) STORED,
  vulnerability_id text NOT NULL UNIQUE,
  title text,
  description text,
  "references" jsonb NOT NULL DEFAULT '[]',
  cvss jsonb,
  vendor_severity jsonb,
  cvss_score real,
  cwe_ids jsonb NOT NULL DEFAULT '[]',
  primary_url text,
  published_at timestamptz,
  modified_at timestamptz
);
CREATE INDEX vulnerability_search ON vulnerability USING gin (search gin_trgm_ops);

-- Everything of a finding but where it is. hash: 16 bytes over all that a report says of it.
CREATE TABLE finding_definition (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash bytea NOT NULL UNIQUE,
  vulnerability_id integer NOT NULL REFERENCES vulnerability,
  -- copied from vulnerability, where it never changes: a scan's findings are sorted by it
  natural_order text COLLATE "C" NOT NULL,
  package text COLLATE "C" NOT NULL,
  installed_version text,
  fixed_version text,
  status text NOT NULL,
  severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
  severity_source text,
  class text,
  package_type text,
  purl text,
  primary_url text,
  fixable boolean NOT NULL GENERATED ALWAYS AS (fixed_version IS NOT NULL) STORED
);
CREATE INDEX finding_definition_vulnerability ON finding_definition (vulnerability_id);

-- The packages of all definitions, each once, to be searched: with every version and system a package has another one.
CREATE TABLE package (
  name text COLLATE "C" PRIMARY KEY
);
CREATE INDEX package_search ON package USING gin (lower(name) gin_trgm_ops);

-- The encoding of a database never changes, which PostgreSQL cannot know of convert_to.
CREATE FUNCTION text_hash(value text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sha256(convert_to(value, 'UTF8'));

-- Targets and paths of findings.
CREATE TABLE place (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- hashed, for a path can be longer than an index entry may be
  hash bytea NOT NULL UNIQUE GENERATED ALWAYS AS (text_hash(text)) STORED,
  text text NOT NULL
);

-- ---------------------------------------------------------------- findings

-- One row per entry of a Vulnerabilities list, repeated ones too. They go with their scan (delete_dependents).
CREATE TABLE scan_finding (
  scan_id bigint NOT NULL,
  definition_id integer NOT NULL,
  target_id integer NOT NULL,
  path_id integer NOT NULL
);
CREATE INDEX scan_finding_scan ON scan_finding (scan_id, definition_id);

-- Misconfigurations, secrets, licenses and what was suppressed. kind: 2, 4, 8, and 16 for suppressed.
CREATE TABLE other_finding (
  scan_id bigint NOT NULL REFERENCES scan ON DELETE CASCADE,
  kind smallint NOT NULL,
  position integer NOT NULL,
  severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
  status text,
  code text NOT NULL,
  title text,
  target text NOT NULL,
  package text,
  detail jsonb NOT NULL,
  PRIMARY KEY (scan_id, kind, position)
);

-- ---------------------------------------------------------------- maintained
-- Without foreign keys: to check each of a thousand rows would double the time of an upload. Vulnerabilities come here
-- from finding_definition, whose foreign key keeps them; what belongs to an artifact goes with it, see below.

-- Per artifact and vulnerability: when it was first reported (kept for as long as the artifact is, whatever scans
-- are deleted), and how it stands in the latest scan for vulnerabilities (severity is null where it is gone).
CREATE TABLE artifact_vulnerability (
  artifact_id integer NOT NULL,
  vulnerability_id integer NOT NULL,
  first_seen_at timestamptz NOT NULL,
  severity smallint,
  findings integer NOT NULL DEFAULT 0,
  fixable integer NOT NULL DEFAULT 0,
  PRIMARY KEY (artifact_id, vulnerability_id)
);
CREATE INDEX artifact_vulnerability_vulnerability ON artifact_vulnerability (vulnerability_id, first_seen_at);

-- Every vulnerability finding of the latest scan of an artifact that is not stale.
CREATE TABLE current_finding (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  artifact_id integer NOT NULL,
  definition_id integer NOT NULL,
  target_id integer NOT NULL,
  path_id integer NOT NULL,
  -- numbers exact repeats from 1
  copy integer NOT NULL,
  vulnerability_id integer NOT NULL,
  severity smallint NOT NULL,
  fixable boolean NOT NULL,
  status text NOT NULL,
  package text COLLATE "C" NOT NULL,
  artifact_name text COLLATE "C" NOT NULL,
  first_seen_at timestamptz NOT NULL,
  UNIQUE (artifact_id, definition_id, target_id, path_id, copy)
);
CREATE INDEX current_finding_severity ON current_finding (severity, id);
CREATE INDEX current_finding_artifact_name ON current_finding (artifact_name, id);
CREATE INDEX current_finding_package ON current_finding (package, id);
CREATE INDEX current_finding_first_seen ON current_finding (first_seen_at, id);
CREATE INDEX current_finding_vulnerability ON current_finding (vulnerability_id, severity, id);

-- One row per vulnerability that is in current_finding; critical to unknown count artifacts by the worst severity
-- the vulnerability has in them. A new artifact changes the counts of each vulnerability it has: what changes every time
-- has no index and pages have room, so that no index is written (HOT). With an index on affected_artifacts a new
-- artifact's 900 rows took 11 ms instead of 2; without, a page of 17,000 in its order takes 6 ms.
CREATE TABLE vulnerability_summary (
  vulnerability_id integer PRIMARY KEY,
  critical integer NOT NULL DEFAULT 0,
  high integer NOT NULL DEFAULT 0,
  medium integer NOT NULL DEFAULT 0,
  low integer NOT NULL DEFAULT 0,
  unknown integer NOT NULL DEFAULT 0,
  severity smallint NOT NULL GENERATED ALWAYS AS
    (CASE WHEN critical > 0 THEN 4 WHEN high > 0 THEN 3 WHEN medium > 0 THEN 2 WHEN low > 0 THEN 1 ELSE 0 END) STORED,
  affected_artifacts integer NOT NULL GENERATED ALWAYS AS (critical + high + medium + low + unknown) STORED,
  findings integer NOT NULL DEFAULT 0,
  fixable integer NOT NULL DEFAULT 0,
  first_seen_at timestamptz NOT NULL,
  -- copied from vulnerability, so that every sort has its index here
  natural_order text COLLATE "C" NOT NULL,
  cvss_score real NOT NULL,
  published_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN vulnerability_summary.cvss_score IS '-1 where there is none';
COMMENT ON COLUMN vulnerability_summary.published_at IS '-infinity where it is not known';
CREATE INDEX vulnerability_summary_severity ON vulnerability_summary (severity, vulnerability_id);
CREATE INDEX vulnerability_summary_cvss ON vulnerability_summary (cvss_score, vulnerability_id);
CREATE INDEX vulnerability_summary_first_seen ON vulnerability_summary (first_seen_at, vulnerability_id);
CREATE INDEX vulnerability_summary_published ON vulnerability_summary (published_at, vulnerability_id);
CREATE INDEX vulnerability_summary_natural ON vulnerability_summary (natural_order, vulnerability_id);

-- Findings in current_finding by vulnerability, package, status, fixable and severity.
CREATE TABLE vulnerability_package (
  vulnerability_id integer NOT NULL,
  package text COLLATE "C" NOT NULL,
  status text NOT NULL,
  fixable boolean NOT NULL,
  severity smallint NOT NULL,
  findings integer NOT NULL,
  PRIMARY KEY (vulnerability_id, package, status, fixable, severity)
) WITH (fillfactor = 50);
CREATE INDEX vulnerability_package_package ON vulnerability_package (package, vulnerability_id);
CREATE INDEX vulnerability_package_status ON vulnerability_package (status, vulnerability_id);

-- Findings in current_finding by severity and fixable: ten rows.
CREATE TABLE finding_count (
  severity smallint NOT NULL,
  fixable boolean NOT NULL,
  findings integer NOT NULL,
  PRIMARY KEY (severity, fixable)
) WITH (fillfactor = 10);

-- The trend, as differences from one UTC day's end to the next, of artifacts that are not stale: how many
-- artifacts gained (or lost) a vulnerability at a severity on that day. Together with vulnerability_summary it
-- tells every earlier day; days before the horizon of the trend are not kept. No answer is computed from it, but
-- the sums below.
CREATE TABLE vulnerability_change (
  vulnerability_id integer NOT NULL,
  day date NOT NULL,
  severity smallint NOT NULL,
  artifacts integer NOT NULL,
  PRIMARY KEY (vulnerability_id, day, severity)
) WITH (fillfactor = 50);
CREATE INDEX vulnerability_change_day ON vulnerability_change (day);

-- What the trend shows, in the same way: measure is 'vulnerabilities' (by the worst severity at which any artifact has
-- them, which follows from the above), 'findings' or 'artifacts' (by the artifact's worst severity, null: it has none).
CREATE TABLE total_change (
  day date NOT NULL,
  measure text NOT NULL CHECK (measure IN ('vulnerabilities', 'findings', 'artifacts')),
  severity smallint,
  delta integer NOT NULL,
  UNIQUE NULLS NOT DISTINCT (day, measure, severity)
);

-- ---------------------------------------------------------------- what goes with a scan or an artifact

-- As a foreign key's ON DELETE CASCADE would do, a statement at a time. Arguments: column, tables.
CREATE FUNCTION delete_dependents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  dependent text;
BEGIN
  FOREACH dependent IN ARRAY TG_ARGV[1:] LOOP
    IF TG_OP = 'TRUNCATE' THEN
      -- TRUNCATE itself fails where the statement names the dependent table too.
      EXECUTE format('DELETE FROM %I', dependent);
    ELSE
      -- An array, not a join: the planner knows nothing of old_rows and might read the whole table.
      EXECUTE format('DELETE FROM %I WHERE %I = ANY (ARRAY(SELECT id FROM old_rows))', dependent, TG_ARGV[0]);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER dependents_delete AFTER DELETE ON scan REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents('scan_id', 'scan_finding');
CREATE TRIGGER dependents_truncate AFTER TRUNCATE ON scan
  FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents('scan_id', 'scan_finding');
CREATE TRIGGER dependents_delete AFTER DELETE ON artifact REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents('artifact_id', 'artifact_vulnerability', 'current_finding');
CREATE TRIGGER dependents_truncate AFTER TRUNCATE ON artifact
  FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents('artifact_id', 'artifact_vulnerability', 'current_finding');

-- ---------------------------------------------------------------- uploads (not cached)

CREATE TABLE upload (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL DEFAULT now(),
  outcome text NOT NULL CHECK (outcome IN ('stored', 'same', 'refused')),
  code text,
  detail text,
  looks_like text,
  artifact text,
  scan_ids bigint[] NOT NULL DEFAULT '{}',
  token text,
  bytes bigint,
  request_id text
);
CREATE INDEX upload_received ON upload (received_at, id);

-- ---------------------------------------------------------------- the cache's ledger

-- Tags whose fences are not yet confirmed gone from Redis, written by the triggers below.
CREATE TABLE cache_change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  tag text NOT NULL,
  source text NOT NULL DEFAULT current_setting('application_name'),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (txid, tag)
);

-- Whose Redis memory counts.
CREATE TABLE cache_authority (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL DEFAULT 0,
  identity text,
  settled boolean NOT NULL DEFAULT false
);
INSERT INTO cache_authority DEFAULT VALUES;

-- Who may use the cache, and how each instance fares.
CREATE TABLE cache_instance (
  id text PRIMARY KEY,
  term text NOT NULL,
  lease_until timestamptz,
  schema_version integer NOT NULL,
  version text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  state jsonb NOT NULL DEFAULT '{}'
);

-- A point a minute and instance, for the history of the cache.
CREATE TABLE cache_minute (
  minute timestamptz NOT NULL,
  instance_id text NOT NULL,
  counters jsonb NOT NULL,
  PRIMARY KEY (minute, instance_id)
);

CREATE TABLE cache_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  instance_id text NOT NULL,
  kind text NOT NULL,
  detail jsonb NOT NULL
);
CREATE INDEX cache_event_at ON cache_event (at, id);

-- ---------------------------------------------------------------- what a change invalidates

CREATE FUNCTION record_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO cache_change (tag) VALUES ('*') ON CONFLICT (txid, tag) DO NOTHING;
  RETURN NULL;
END $$;

-- Makes the four triggers of a table. A tag with ':' names a column of the changed row ('artifact:artifact_id' becomes
-- 'artifact:17'). A trigger looks at its own rows only, old and new: a join would be wrong under concurrency and finds
-- nothing under a cascade. More than a hundred tags become '*'. Each table has a function of its own, so that PostgreSQL
-- plans its statements once per connection: dynamic SQL is planned every time.
CREATE PROCEDURE watch_table(watched text, VARIADIC tags text[])
LANGUAGE plpgsql AS $$
DECLARE
  recorder text := 'record_' || watched;
  -- the tags of changed rows, none where there are none
  selected text := (SELECT string_agg(CASE
    WHEN strpos(tag, ':') = 0 THEN format('SELECT %L WHERE EXISTS (SELECT FROM changed)', tag)
    ELSE format('SELECT %L || value FROM (SELECT DISTINCT %I AS value FROM changed LIMIT 101) found',
      split_part(tag, ':', 1) || ':', split_part(tag, ':', 2))
    END, ' UNION ALL ') FROM unnest(tags) tag);
BEGIN
  EXECUTE format($recorder$
    CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
    DECLARE
      tags text[];
    BEGIN
      CASE TG_OP
        WHEN 'INSERT' THEN
          tags := ARRAY(WITH changed AS NOT MATERIALIZED (SELECT * FROM new_rows) %2$s);
        WHEN 'DELETE' THEN
          tags := ARRAY(WITH changed AS NOT MATERIALIZED (SELECT * FROM old_rows) %2$s);
        ELSE
          tags := ARRAY(WITH changed AS NOT MATERIALIZED (SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows) %2$s);
      END CASE;
      IF cardinality(tags) > 100 THEN
        tags := '{*}';
      END IF;
      IF tags <> '{}' THEN
        INSERT INTO cache_change (tag) SELECT unnest(tags) ON CONFLICT (txid, tag) DO NOTHING;
      END IF;
      RETURN NULL;
    END $body$ $recorder$, recorder, selected);
  EXECUTE format('CREATE TRIGGER cache_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION %I()', watched, recorder);
  EXECUTE format('CREATE TRIGGER cache_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION %I()', watched, recorder);
  EXECUTE format('CREATE TRIGGER cache_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION %I()', watched, recorder);
  EXECUTE format('CREATE TRIGGER cache_truncate AFTER TRUNCATE ON %I
    FOR EACH STATEMENT EXECUTE FUNCTION record_all()', watched);
  EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER cache_insert, ENABLE ALWAYS TRIGGER cache_update,
    ENABLE ALWAYS TRIGGER cache_delete, ENABLE ALWAYS TRIGGER cache_truncate', watched);
END $$;

CALL watch_table('artifact', 'artifacts', 'artifact:id');
CALL watch_table('artifact_workload', 'artifacts', 'artifact:artifact_id');
CALL watch_table('scan', 'scans', 'scan:id', 'artifact:artifact_id');
-- A comparison with the scan before shows the findings of a scan that is not named: it depends on all.
CALL watch_table('scan_finding', 'scans', 'scan:scan_id');
CALL watch_table('other_finding', 'scans', 'scan:scan_id');
CALL watch_table('artifact_vulnerability', 'vulnerabilities', 'artifact:artifact_id');
CALL watch_table('current_finding', 'vulnerabilities', 'artifact:artifact_id');
CALL watch_table('vulnerability_summary', 'vulnerabilities');
CALL watch_table('vulnerability_package', 'vulnerabilities');
CALL watch_table('finding_count', 'vulnerabilities');
CALL watch_table('total_change', 'trend');
-- A new dictionary row changes no answer yet.
CALL watch_table('vulnerability', 'dictionary');
CALL watch_table('finding_definition', 'dictionary');
CALL watch_table('package', 'dictionary');
CALL watch_table('place', 'dictionary');
DROP TRIGGER cache_insert ON vulnerability;
DROP TRIGGER cache_insert ON finding_definition;
DROP TRIGGER cache_insert ON package;
DROP TRIGGER cache_insert ON place;

-- Columns that other tables' tags and rows rely on: a change of them concerns everything.
CREATE TRIGGER cache_identity AFTER UPDATE ON artifact FOR EACH ROW
  WHEN ((OLD.type, OLD.name, OLD.repository, OLD.version, OLD.cluster, OLD.namespace, OLD.resource_kind, OLD.resource_name)
    IS DISTINCT FROM (NEW.type, NEW.name, NEW.repository, NEW.version, NEW.cluster, NEW.namespace, NEW.resource_kind, NEW.resource_name))
  EXECUTE FUNCTION record_all();
ALTER TABLE artifact ENABLE ALWAYS TRIGGER cache_identity;
CREATE TRIGGER cache_identity AFTER UPDATE ON document FOR EACH ROW WHEN (OLD.bytes <> NEW.bytes)
  EXECUTE FUNCTION record_all();
ALTER TABLE document ENABLE ALWAYS TRIGGER cache_identity;
DROP PROCEDURE watch_table;
