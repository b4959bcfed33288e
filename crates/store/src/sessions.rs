//! Sessions: who is logged in, on which device.

use domain::id::{OrgId, SessionId, UserId};
use domain::time::Timestamp;
use domain::user::Session;

use crate::{Conn, Result, Tx};

/// An alive session with what every request needs to know about its person.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LoggedIn {
    #[sqlx(flatten)]
    pub session: Session,
    pub email: String,
    pub display_name: Option<String>,
    pub is_email_verified: bool,
}

/// The session of an access token (`sid`), if it is still alive at `now`.
pub async fn find_alive(conn: &mut Conn, id: SessionId, now: Timestamp) -> Result<Option<LoggedIn>> {
    fetch_optional!(
        conn,
        "SELECT s.id, s.user_id, s.organization_id, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
                u.email, u.display_name, u.is_email_verified
           FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.id = $1 AND s.expires_at > $2 AND u.deleted_at IS NULL",
        id,
        now
    )
}

/// The session of a cookie, by the hash of its secret.
pub async fn find_alive_by_hash(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<LoggedIn>> {
    fetch_optional!(
        conn,
        "SELECT s.id, s.user_id, s.organization_id, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
                u.email, u.display_name, u.is_email_verified
           FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.deleted_at IS NULL",
        token_hash,
        now
    )
}

pub async fn insert(tx: &mut Tx, session: &Session, token_hash: &[u8]) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO sessions (id, user_id, token_hash, organization_id, ip, user_agent, created_at, last_seen_at,
                               expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        session.id,
        session.user_id,
        token_hash,
        session.organization_id,
        &session.ip,
        &session.user_agent,
        session.created_at,
        session.last_seen_at,
        session.expires_at
    )?;
    Ok(())
}

/// Sets the organization of requests that name none (D3).
pub async fn update_organization(tx: &mut Tx, id: SessionId, organization: OrgId) -> Result<()> {
    execute!(tx, "UPDATE sessions SET organization_id = $2 WHERE id = $1", id, organization)?;
    Ok(())
}

/// When the person was last seen with this session; never earlier than stored.
pub async fn touch(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<()> {
    execute!(tx, "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", id, now)?;
    Ok(())
}

/// Ends one session of this person; `false` when there was none.
pub async fn delete(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool> {
    Ok(execute!(tx, "DELETE FROM sessions WHERE user_id = $1 AND id = $2", user, id)? > 0)
}

/// The alive sessions of a person, the newest first.
pub async fn list(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    fetch_all!(
        conn,
        "SELECT id, user_id, organization_id, ip, user_agent, created_at, last_seen_at, expires_at
           FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id DESC",
        user,
        now
    )
}

/// Ends every session of a person; gives their number.
pub async fn delete_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    execute!(tx, "DELETE FROM sessions WHERE user_id = $1", user)
}

/// Ends every session of a person but `keep`; gives their number.
pub async fn delete_others(tx: &mut Tx, user: UserId, keep: SessionId) -> Result<u64> {
    execute!(tx, "DELETE FROM sessions WHERE user_id = $1 AND id <> $2", user, keep)
}

/// Removes sessions that ran out before `before`; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM sessions WHERE expires_at < $1", before)
}
