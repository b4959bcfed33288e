//! Codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds, one step of tolerance) and the codes
//! that stand in for it.

use domain::id::UserId;
use domain::time::Timestamp;
use totp_rs::{Builder, Totp};

use crate::secrets::token_hash;
use crate::{Context, Error, Result};

const STEP_S: u64 = 30;
const SECRET_BYTES: usize = 20;
const ISSUER: &str = "Indie Status Page";
/// How many recovery codes a person gets.
pub(crate) const RECOVERY_CODES: usize = 10;
/// Crockford's alphabet: nothing in it is mistaken for something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A secret for an app, shown until it is confirmed.
pub struct NewSecret {
    /// Base 32, to be typed.
    pub secret: String,
    /// `otpauth://totp/…`, to be scanned or opened.
    pub otpauth_url: String,
}

/// Makes a secret for this person, sealed for its place in the database.
pub(crate) fn new_secret(ctx: &Context, user: UserId) -> Result<Vec<u8>> {
    let bytes: [u8; SECRET_BYTES] = ctx.ids.secret().first_chunk().copied().unwrap_or_default();
    ctx.keys.seal(&place(user), &bytes, &ctx.ids.secret())
}

/// A sealed secret as the person gives it to the app.
pub(crate) fn shown(ctx: &Context, user: UserId, email: &str, sealed: &[u8]) -> Result<NewSecret> {
    let totp = generator(&ctx.keys.open(&place(user), sealed)?, email)?;
    Ok(NewSecret {
        secret: totp.secret().to_base32(),
        otpauth_url: totp.to_url().map_err(|_| Error::Internal("an otpauth URL could not be made"))?,
    })
}

/// The time step in which `code` is right at `now`; `None` when it is wrong. The caller accepts each step once.
pub(crate) fn check(
    ctx: &Context,
    user: UserId,
    sealed: &[u8],
    code: &str,
    now: Timestamp,
) -> Result<Option<i64>> {
    let bytes = ctx.keys.open(&place(user), sealed)?;
    let seconds = u64::try_from(now.ms() / 1000).unwrap_or(0);
    let step = generator(&bytes, "")?.check(&plain(code), seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn generator(secret: &[u8], account: &str) -> Result<Totp> {
    Builder::new()
        .with_step_duration(STEP_S)
        .with_skew(1)
        .with_secret(secret)
        .with_issuer(Some(ISSUER))
        .with_account_name(account)
        .build()
        .map_err(|_| Error::Internal("a TOTP secret cannot be used"))
}

fn place(user: UserId) -> String {
    format!("users.totp_secret.{}", user.uuid())
}

/// Whether this is meant as a code of the app rather than a recovery code.
pub(crate) fn is_app_code(code: &str) -> bool {
    let code = plain(code);
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// A recovery code of 80 bits as people write it down, `xxxx-xxxx-xxxx-xxxx`.
pub(crate) fn recovery_code(random: &[u8; 32]) -> String {
    let mut code = String::with_capacity(19);
    for (place, byte) in random.iter().take(16).enumerate() {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        let digit = ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0');
        code.push(char::from(digit));
    }
    code
}

/// What is stored of a recovery code; spaces, hyphens and case do not matter.
pub(crate) fn recovery_hash(code: &str) -> Vec<u8> {
    token_hash(&plain(code))
}

fn plain(code: &str) -> String {
    code.chars()
        .filter(|character| !character.is_whitespace() && *character != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        let totp = generator(b"12345678901234567890", "").unwrap();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp.generate(time).to_string(), code);
        }
        assert_eq!(totp.check("287082", 59), Some(1));
        assert_eq!(totp.check("287082", 89), Some(1), "one step late");
        assert_eq!(totp.check("287082", 90 + 30), None, "two steps late");
    }

    #[test]
    fn a_recovery_code_is_read_however_it_is_written() {
        let code = recovery_code(&[7; 32]);
        assert_eq!(code, "7777-7777-7777-7777");
        let random: [u8; 32] = std::array::from_fn(|place| u8::try_from(place * 7).unwrap());
        let mixed = recovery_code(&random);
        assert_eq!(
            recovery_hash(&mixed),
            recovery_hash(&format!(" {} ", mixed.to_uppercase().replace('-', " ")))
        );
        assert_ne!(recovery_hash(&mixed), recovery_hash(&code));
        assert!(!is_app_code(&mixed));
        assert!(is_app_code("123 456"));
        assert!(!is_app_code("12345"));
    }
}
