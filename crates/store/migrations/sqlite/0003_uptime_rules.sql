-- Where the days of a page begin, and what its percentages count (D8, X37).
ALTER TABLE status_pages ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE status_pages ADD COLUMN partial_outage_percent INTEGER NOT NULL DEFAULT 30;
ALTER TABLE status_pages ADD COLUMN degraded_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE status_pages ADD COLUMN maintenance_rule TEXT NOT NULL DEFAULT 'excluded';

-- How far the trimming of each night has come, and what it removed (X49). Of no organization.
CREATE TABLE retention_nights (
    night INTEGER NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    after_monitor BLOB NOT NULL,
    monitors INTEGER NOT NULL,
    hours INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    history_rows INTEGER NOT NULL,
    slices INTEGER NOT NULL,
    busy_ms INTEGER NOT NULL,
    longest_slice_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
