-- Outages that open incidents, or suggest them. What is suggested has a table of its own: no page can show it.
ALTER TABLE services ADD COLUMN incident_mode TEXT NOT NULL DEFAULT 'suggest';
ALTER TABLE incidents ADD COLUMN origin TEXT NOT NULL DEFAULT 'person';
ALTER TABLE incidents ADD COLUMN is_edited BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE incident_suggestions (
    id UUID NOT NULL PRIMARY KEY,
    organization_id UUID NOT NULL,
    service_id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    monitor_id UUID NOT NULL,
    -- the one to resolve, or what the suggestion became
    incident_id UUID,
    status TEXT NOT NULL,
    since BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    FOREIGN KEY (organization_id, service_id) REFERENCES services (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, monitor_id) REFERENCES monitors (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, incident_id) REFERENCES incidents (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX incident_suggestions_made ON incident_suggestions (organization_id, created_at);
CREATE INDEX incident_suggestions_monitor ON incident_suggestions (organization_id, monitor_id);
CREATE INDEX incident_suggestions_incident ON incident_suggestions (organization_id, incident_id);
CREATE UNIQUE INDEX incident_suggestions_service_id_key ON incident_suggestions (organization_id, service_id)
    WHERE state = 'open' AND kind = 'open';
CREATE UNIQUE INDEX incident_suggestions_incident_id_key ON incident_suggestions (organization_id, incident_id)
    WHERE state = 'open' AND kind = 'resolve';
