//! Every SQL statement, one text for SQLite and PostgreSQL.
