-- Instants are unix milliseconds. Ids are UUIDv7 made by the program. A tenant table carries organization_id,
-- and references inside a tenant are composite, so a row of one tenant cannot point at a row of another (X15).
-- Text that lists are sorted by says COLLATE "C": by bytes, as SQLite does, whatever locale the server was made with.

CREATE TABLE organizations (
    id UUID NOT NULL PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    tier TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT organizations_slug_key UNIQUE (slug)
);

-- An old slug stays reserved and leads to its organization until it expires (X1).
CREATE TABLE slug_redirects (
    slug TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    email_display TEXT COLLATE "C" NOT NULL,
    password_hash TEXT NOT NULL,
    display_name TEXT COLLATE "C",
    is_email_verified BOOLEAN NOT NULL,
    totp_secret BYTEA,
    totp_confirmed_at BIGINT,
    totp_last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE organization_members (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_members_user ON organization_members (user_id);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    organization_id UUID REFERENCES organizations (id) ON DELETE SET NULL,
    ip TEXT,
    user_agent TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    address TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    CONSTRAINT tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX tokens_user ON tokens (user_id, purpose);

CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE invitations (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    invited_by UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    CONSTRAINT invitations_token_hash_key UNIQUE (token_hash)
);
-- One pending invitation per address; resending replaces its token.
CREATE UNIQUE INDEX invitations_organization_id_email_key ON invitations (organization_id, email)
    WHERE accepted_at IS NULL;

CREATE TABLE status_pages (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    is_public BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT status_pages_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT status_pages_organization_id_slug_key UNIQUE (organization_id, slug)
);
CREATE UNIQUE INDEX status_pages_organization_id_key ON status_pages (organization_id) WHERE is_default;

CREATE TABLE services (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    description TEXT,
    group_name TEXT COLLATE "C",
    position INTEGER NOT NULL,
    is_visible BOOLEAN NOT NULL,
    manual_status TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT services_organization_id_id_key UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX services_organization_id_slug_key ON services (organization_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE placements (
    organization_id UUID NOT NULL,
    status_page_id UUID NOT NULL,
    service_id UUID NOT NULL,
    public_name TEXT COLLATE "C",
    group_name TEXT COLLATE "C",
    position INTEGER,
    is_visible BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (status_page_id, service_id),
    FOREIGN KEY (organization_id, status_page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX placements_service ON placements (organization_id, service_id);

CREATE TABLE monitors (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL,
    service_id UUID NOT NULL,
    parent_id UUID,
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
    is_active BOOLEAN NOT NULL,
    -- what the checks found
    state TEXT NOT NULL,
    state_since BIGINT,
    run_length INTEGER NOT NULL,
    run_status SMALLINT,
    run_started_at BIGINT,
    last_checked_at BIGINT,
    last_failure SMALLINT,
    last_status_code INTEGER,
    last_response_time_ms INTEGER,
    flapping_since BIGINT,
    -- results that are not in check_results and the roll-ups yet
    recent BYTEA NOT NULL,
    -- the queue: due at next_check_at, taken at claimed_at until claimed_until
    next_check_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    claimed_at BIGINT NOT NULL,
    checked_by_hand_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT monitors_organization_id_id_key UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, parent_id) REFERENCES monitors (organization_id, id)
);
CREATE INDEX monitors_service ON monitors (organization_id, service_id);
CREATE INDEX monitors_parent ON monitors (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX monitors_due ON monitors (next_check_at) WHERE is_active AND deleted_at IS NULL;

-- Single results, packed: a row for each hour of a monitor. The newest ones wait in monitors.recent until there are
-- enough of them, so that a check writes one row and not four.
CREATE TABLE check_results (
    monitor_id UUID NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    results BYTEA NOT NULL,
    PRIMARY KEY (monitor_id, hour)
);

CREATE TABLE hourly_rollups (
    monitor_id UUID NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    down INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    response_time_sum_ms BIGINT NOT NULL,
    response_time_count INTEGER NOT NULL,
    response_time_max_ms INTEGER NOT NULL,
    dns_sum_ms BIGINT NOT NULL,
    connect_sum_ms BIGINT NOT NULL,
    tls_sum_ms BIGINT NOT NULL,
    first_byte_sum_ms BIGINT NOT NULL,
    latency BYTEA NOT NULL,
    PRIMARY KEY (monitor_id, hour)
);

CREATE TABLE daily_rollups (
    monitor_id UUID NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    down INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    response_time_sum_ms BIGINT NOT NULL,
    response_time_count INTEGER NOT NULL,
    response_time_max_ms INTEGER NOT NULL,
    dns_sum_ms BIGINT NOT NULL,
    connect_sum_ms BIGINT NOT NULL,
    tls_sum_ms BIGINT NOT NULL,
    first_byte_sum_ms BIGINT NOT NULL,
    latency BYTEA NOT NULL,
    PRIMARY KEY (monitor_id, day)
);

-- Confirmed states as spans of time: what uptime is computed from (D8). ended_at NULL: still so.
CREATE TABLE state_intervals (
    organization_id UUID NOT NULL,
    monitor_id UUID NOT NULL,
    service_id UUID NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (monitor_id, started_at),
    FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX state_intervals_service ON state_intervals (organization_id, service_id, started_at);

CREATE TABLE incidents (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    title TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    impact TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    resolved_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT incidents_organization_id_id_key UNIQUE (organization_id, id)
);
CREATE INDEX incidents_started ON incidents (organization_id, started_at);

CREATE TABLE incident_services (
    organization_id UUID NOT NULL,
    incident_id UUID NOT NULL,
    service_id UUID NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (incident_id, service_id),
    FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_services_service ON incident_services (organization_id, service_id);

CREATE TABLE incident_updates (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL,
    incident_id UUID NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_updates_incident ON incident_updates (organization_id, incident_id, created_at);

CREATE TABLE subscribers (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL,
    status_page_id UUID NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    is_confirmed BOOLEAN NOT NULL,
    confirm_token_hash BYTEA,
    confirm_expires_at BIGINT,
    -- when the last confirmation mail was queued; one per address and page in 24 hours
    mailed_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    CONSTRAINT subscribers_status_page_id_email_key UNIQUE (status_page_id, email),
    CONSTRAINT subscribers_confirm_token_hash_key UNIQUE (confirm_token_hash),
    FOREIGN KEY (organization_id, status_page_id) REFERENCES status_pages (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX subscribers_organization ON subscribers (organization_id);

CREATE TABLE site_settings (
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, key)
);

-- Messages on their way out, written in the transaction of their cause; afterwards the log of what was sent.
CREATE TABLE outbox (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    dedup_key TEXT NOT NULL,
    recipient TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    next_attempt_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    CONSTRAINT outbox_dedup_key_key UNIQUE (dedup_key)
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'queued';

CREATE TABLE throttles (
    action TEXT NOT NULL,
    subject BYTEA NOT NULL,
    window_started_at BIGINT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (action, subject)
);

-- Answers to requests that carried an Idempotency-Key; status NULL: the first request still runs.
CREATE TABLE idempotency_keys (
    scope BYTEA NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- What the engine of checks remembers over a restart, one number per key.
CREATE TABLE engine_facts (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
