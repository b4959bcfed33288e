-- What is checked besides plain HTTP: the kind, its settings as JSON, secrets sealed. url, method and expected_status are
-- those of HTTP; the url of other kinds is empty.
ALTER TABLE monitors ADD COLUMN kind TEXT NOT NULL DEFAULT 'http';
ALTER TABLE monitors ADD COLUMN name TEXT COLLATE "C";
ALTER TABLE monitors ADD COLUMN settings TEXT NOT NULL DEFAULT '{"kind":"http"}';
ALTER TABLE monitors ADD COLUMN sealed_secrets BYTEA;
ALTER TABLE monitors ADD COLUMN certificate_expires_at BIGINT;
