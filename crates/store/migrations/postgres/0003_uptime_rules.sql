-- Where the days of a page begin, and what its percentages count (D8, X37).
ALTER TABLE status_pages ADD COLUMN time_zone TEXT COLLATE "C" NOT NULL DEFAULT 'UTC';
ALTER TABLE status_pages ADD COLUMN partial_outage_percent INTEGER NOT NULL DEFAULT 30;
ALTER TABLE status_pages ADD COLUMN degraded_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE status_pages ADD COLUMN maintenance_rule TEXT COLLATE "C" NOT NULL DEFAULT 'excluded';

-- How far the trimming of each night has come, and what it removed (X49). Of no organization.
CREATE TABLE retention_nights (
    night BIGINT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    after_monitor UUID NOT NULL,
    monitors BIGINT NOT NULL,
    hours BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    history_rows BIGINT NOT NULL,
    slices BIGINT NOT NULL,
    busy_ms BIGINT NOT NULL,
    longest_slice_ms BIGINT NOT NULL
);
