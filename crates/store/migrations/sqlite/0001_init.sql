-- Instants are unix milliseconds. Ids are UUIDv7 made by the program. A tenant table carries organization_id,
-- and references inside a tenant are composite, so a row of one tenant cannot point at a row of another (X15).

CREATE TABLE organizations (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT organizations_slug_key UNIQUE (slug)
) STRICT;

-- An old slug stays reserved and leads to its organization until it expires (X1).
CREATE TABLE slug_redirects (
    slug TEXT NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    email_display TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    display_name TEXT,
    is_email_verified INTEGER NOT NULL,
    totp_secret BLOB,
    totp_confirmed_at INTEGER,
    totp_last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT users_email_key UNIQUE (email)
) STRICT;

CREATE TABLE organization_members (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT;
CREATE INDEX organization_members_user ON organization_members (user_id);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL,
    organization_id BLOB REFERENCES organizations (id) ON DELETE SET NULL,
    ip TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash)
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    address TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT tokens_token_hash_key UNIQUE (token_hash)
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id, purpose);

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

CREATE TABLE invitations (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    invited_by BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    accepted_at INTEGER,
    CONSTRAINT invitations_token_hash_key UNIQUE (token_hash)
) STRICT;
-- One pending invitation per address; resending replaces its token.
CREATE UNIQUE INDEX invitations_organization_id_email_key ON invitations (organization_id, email)
    WHERE accepted_at IS NULL;

CREATE TABLE status_pages (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    is_public INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT status_pages_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT status_pages_organization_id_slug_key UNIQUE (organization_id, slug)
) STRICT;
CREATE UNIQUE INDEX status_pages_organization_id_key ON status_pages (organization_id) WHERE is_default;

CREATE TABLE services (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT,
    group_name TEXT,
    position INTEGER NOT NULL,
    is_visible INTEGER NOT NULL,
    manual_status TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT services_organization_id_id_key UNIQUE (organization_id, id)
) STRICT;
CREATE UNIQUE INDEX services_organization_id_slug_key ON services (organization_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE placements (
    organization_id BLOB NOT NULL,
    status_page_id BLOB NOT NULL,
    service_id BLOB NOT NULL,
    public_name TEXT,
    group_name TEXT,
    position INTEGER,
    is_visible INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (status_page_id, service_id),
    FOREIGN KEY (organization_id, status_page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX placements_service ON placements (organization_id, service_id);

CREATE TABLE monitors (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL,
    service_id BLOB NOT NULL,
    parent_id BLOB,
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    expected_status INTEGER NOT NULL,
    timeout_seconds INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    planned_interval_seconds INTEGER NOT NULL,
    failures_to_open INTEGER NOT NULL,
    successes_to_close INTEGER NOT NULL,
    min_outage_seconds INTEGER NOT NULL,
    degraded_above_ms INTEGER,
    is_active INTEGER NOT NULL,
    -- what the checks found
    state TEXT NOT NULL,
    state_since INTEGER,
    run_length INTEGER NOT NULL,
    run_status INTEGER,
    run_started_at INTEGER,
    last_checked_at INTEGER,
    last_failure INTEGER,
    last_status_code INTEGER,
    last_response_time_ms INTEGER,
    flapping_since INTEGER,
    -- results that are not in check_results and the roll-ups yet
    recent BLOB NOT NULL,
    -- the queue: due at next_check_at, taken at claimed_at until claimed_until
    next_check_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    checked_by_hand_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT monitors_organization_id_id_key UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, parent_id) REFERENCES monitors (organization_id, id)
) STRICT;
CREATE INDEX monitors_service ON monitors (organization_id, service_id);
CREATE INDEX monitors_parent ON monitors (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX monitors_due ON monitors (next_check_at) WHERE is_active AND deleted_at IS NULL;

-- Single results, packed: a row for each hour of a monitor. The newest ones wait in monitors.recent until there are
-- enough of them, so that a check writes one row and not four.
CREATE TABLE check_results (
    monitor_id BLOB NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    results BLOB NOT NULL,
    PRIMARY KEY (monitor_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE hourly_rollups (
    monitor_id BLOB NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    down INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    response_time_sum_ms INTEGER NOT NULL,
    response_time_count INTEGER NOT NULL,
    response_time_max_ms INTEGER NOT NULL,
    dns_sum_ms INTEGER NOT NULL,
    connect_sum_ms INTEGER NOT NULL,
    tls_sum_ms INTEGER NOT NULL,
    first_byte_sum_ms INTEGER NOT NULL,
    latency BLOB NOT NULL,
    PRIMARY KEY (monitor_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_rollups (
    monitor_id BLOB NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    down INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    response_time_sum_ms INTEGER NOT NULL,
    response_time_count INTEGER NOT NULL,
    response_time_max_ms INTEGER NOT NULL,
    dns_sum_ms INTEGER NOT NULL,
    connect_sum_ms INTEGER NOT NULL,
    tls_sum_ms INTEGER NOT NULL,
    first_byte_sum_ms INTEGER NOT NULL,
    latency BLOB NOT NULL,
    PRIMARY KEY (monitor_id, day)
) STRICT, WITHOUT ROWID;

-- Confirmed states as spans of time: what uptime is computed from (D8). ended_at NULL: still so.
CREATE TABLE state_intervals (
    organization_id BLOB NOT NULL,
    monitor_id BLOB NOT NULL,
    service_id BLOB NOT NULL,
    state TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (monitor_id, started_at),
    FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX state_intervals_service ON state_intervals (organization_id, service_id, started_at);

CREATE TABLE incidents (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    impact TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT incidents_organization_id_id_key UNIQUE (organization_id, id)
) STRICT;
CREATE INDEX incidents_started ON incidents (organization_id, started_at);

CREATE TABLE incident_services (
    organization_id BLOB NOT NULL,
    incident_id BLOB NOT NULL,
    service_id BLOB NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (incident_id, service_id),
    FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX incident_services_service ON incident_services (organization_id, service_id);

CREATE TABLE incident_updates (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL,
    incident_id BLOB NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX incident_updates_incident ON incident_updates (organization_id, incident_id, created_at);

CREATE TABLE subscribers (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL,
    status_page_id BLOB NOT NULL,
    email TEXT NOT NULL,
    is_confirmed INTEGER NOT NULL,
    confirm_token_hash BLOB,
    confirm_expires_at INTEGER,
    -- when the last confirmation mail was queued; one per address and page in 24 hours
    mailed_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    CONSTRAINT subscribers_status_page_id_email_key UNIQUE (status_page_id, email),
    CONSTRAINT subscribers_confirm_token_hash_key UNIQUE (confirm_token_hash),
    FOREIGN KEY (organization_id, status_page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX subscribers_organization ON subscribers (organization_id);

CREATE TABLE site_settings (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, key)
) STRICT;

-- Messages on their way out, written in the transaction of their cause; afterwards the log of what was sent.
CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB REFERENCES organizations (id) ON DELETE CASCADE,
    dedup_key TEXT NOT NULL,
    recipient TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    next_attempt_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT outbox_dedup_key_key UNIQUE (dedup_key)
) STRICT;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'queued';

CREATE TABLE throttles (
    action TEXT NOT NULL,
    subject BLOB NOT NULL,
    window_started_at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (action, subject)
) STRICT, WITHOUT ROWID;

-- Answers to requests that carried an Idempotency-Key; status NULL: the first request still runs.
CREATE TABLE idempotency_keys (
    scope BLOB NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

-- What the engine of checks remembers over a restart, one number per key.
CREATE TABLE engine_facts (
    key TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
