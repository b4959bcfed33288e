//! People with an account. Nothing here belongs to a tenant; who may see a person is decided by sessions and
//! memberships.

use domain::id::UserId;
use domain::time::Timestamp;
use domain::user::User;

use crate::{Conn, Result, Tx};

pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<User>> {
    fetch_optional!(
        conn,
        "SELECT id, email, email_display, password_hash, display_name, is_email_verified, totp_secret,
                totp_confirmed_at, totp_last_step, created_at, updated_at
           FROM users WHERE id = $1 AND deleted_at IS NULL",
        id
    )
}

/// By canonical address (X3). `None` for deleted accounts too.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<User>> {
    fetch_optional!(
        conn,
        "SELECT id, email, email_display, password_hash, display_name, is_email_verified, totp_secret,
                totp_confirmed_at, totp_last_step, created_at, updated_at
           FROM users WHERE email = $1 AND deleted_at IS NULL",
        email
    )
}

/// Whether the canonical address has an account. A deleted one keeps its address until it is purged (X18).
pub async fn is_email_taken(conn: &mut Conn, email: &str) -> Result<bool> {
    let count: i64 = fetch_scalar!(conn, "SELECT COUNT(*) FROM users WHERE email = $1", email)?;
    Ok(count > 0)
}

/// Takes the person's row for the rest of the transaction: log-ins and password changes of one person come one
/// after the other, so that no session survives a change (H-10).
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    fetch_optional!(
        tx,
        "UPDATE users SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL
         RETURNING id, email, email_display, password_hash, display_name, is_email_verified, totp_secret,
                   totp_confirmed_at, totp_last_step, created_at, updated_at",
        id
    )
}

/// `Conflict("users.email")` when the address has an account.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO users (id, email, email_display, password_hash, display_name, is_email_verified, totp_secret,
                            totp_confirmed_at, totp_last_step, created_at, updated_at, deleted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL)",
        user.id,
        &user.email,
        &user.email_display,
        &user.password_hash,
        &user.display_name,
        user.is_email_verified,
        &user.totp_secret,
        user.totp_confirmed_at,
        user.totp_last_step,
        user.created_at,
        user.updated_at
    )?;
    Ok(())
}

pub async fn update_password(tx: &mut Tx, id: UserId, password_hash: &str, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1",
        id,
        password_hash,
        now
    )?;
    Ok(())
}

pub async fn update_display_name(
    tx: &mut Tx,
    id: UserId,
    display_name: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    execute!(tx, "UPDATE users SET display_name = $2, updated_at = $3 WHERE id = $1", id, display_name, now)?;
    Ok(())
}

/// Notes that the person reads the mail of `email`; `false` when that is not the account's address any more.
pub async fn update_verified(tx: &mut Tx, id: UserId, email: &str, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET is_email_verified = TRUE, updated_at = $3
          WHERE id = $1 AND email = $2 AND deleted_at IS NULL",
        id,
        email,
        now
    )?;
    Ok(changed > 0)
}

/// Moves the account to another, proved address; `Conflict("users.email")` when that one has an account.
pub async fn update_email(
    tx: &mut Tx,
    id: UserId,
    email: &str,
    email_display: &str,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE users SET email = $2, email_display = $3, is_email_verified = TRUE, updated_at = $4 WHERE id = $1",
        id,
        email,
        email_display,
        now
    )?;
    Ok(())
}

/// Stores a sealed secret that the person has yet to prove; `false` when two-factor log-in is on already.
pub async fn update_totp_secret(tx: &mut Tx, id: UserId, sealed: &[u8], now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET totp_secret = $2, updated_at = $3
          WHERE id = $1 AND totp_confirmed_at IS NULL AND deleted_at IS NULL",
        id,
        sealed,
        now
    )?;
    Ok(changed > 0)
}

/// Accepts the code of `step` if no code of this or a later step was accepted before; `false` when one was.
pub async fn advance_totp(tx: &mut Tx, id: UserId, step: i64) -> Result<bool> {
    let changed =
        execute!(tx, "UPDATE users SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2", id, step)?;
    Ok(changed > 0)
}

/// Log-in asks for a code from now on; `false` when it did already.
pub async fn confirm_totp(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET totp_confirmed_at = $2, updated_at = $2
          WHERE id = $1 AND totp_secret IS NOT NULL AND totp_confirmed_at IS NULL",
        id,
        now
    )?;
    Ok(changed > 0)
}

pub async fn clear_totp(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "UPDATE users SET totp_secret = NULL, totp_confirmed_at = NULL, updated_at = $2 WHERE id = $1",
        id,
        now
    )?;
    Ok(())
}

/// Nobody can log in to the account any more; its address stays taken until [`purge`].
pub async fn delete(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    execute!(tx, "UPDATE users SET deleted_at = $2, updated_at = $2 WHERE id = $1", id, now)?;
    Ok(())
}

/// An account that can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Deleted {
    pub id: UserId,
    pub deleted_at: Timestamp,
}

/// The account with this canonical address, if it was deleted after `since` (X18).
pub async fn find_deleted(conn: &mut Conn, email: &str, since: Timestamp) -> Result<Option<Deleted>> {
    fetch_optional!(
        conn,
        "SELECT id, deleted_at FROM users WHERE email = $1 AND deleted_at > $2",
        email,
        since
    )
}

/// Brings a deleted account back; `false` when it is not deleted.
pub async fn restore(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET deleted_at = NULL, updated_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL",
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Removes accounts deleted before `before` for good, with all that hangs on them; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM users WHERE deleted_at < $1", before)
}
