-- Words by which owners find their monitors again.
CREATE TABLE monitor_tags (
    organization_id BLOB NOT NULL,
    monitor_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (organization_id, monitor_id, tag),
    FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX monitor_tags_tag ON monitor_tags (organization_id, tag);
-- Until then the monitor calls nobody; it is checked and counted as ever.
ALTER TABLE monitors ADD COLUMN snoozed_until INTEGER;
