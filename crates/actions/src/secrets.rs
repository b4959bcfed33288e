//! Keys derived from the installation's one secret, sealed values and hashed tokens (D2, T-12, T-22).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Error, Result};

/// The installation's keys, one per use, so that no use can stand in for another. Never printed.
pub struct Keys {
    access_token: [u8; 32],
    csrf: [u8; 32],
    unsubscribe: [u8; 32],
    seal: [u8; 32],
}

impl Keys {
    /// Derives all keys from `master`.
    pub fn derive(master: &[u8]) -> Self {
        let key = |label: &[u8]| hmac(master, &[b"indie-status key v1", label]);
        Self {
            access_token: key(b"access token"),
            csrf: key(b"csrf"),
            unsubscribe: key(b"unsubscribe"),
            seal: key(b"seal"),
        }
    }

    /// Signs access tokens (HS256).
    pub const fn access_token(&self) -> &[u8; 32] {
        &self.access_token
    }

    /// The form token of a session (T-07).
    pub fn csrf_token(&self, session: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac(&self.csrf, &[session]))
    }

    pub fn is_csrf_token(&self, session: &[u8], candidate: &str) -> bool {
        equal(self.csrf_token(session).as_bytes(), candidate.as_bytes())
    }

    /// The token in a subscriber's unsubscribe link. It does not expire and is not spent (T-14).
    pub fn unsubscribe_token(&self, subscriber: domain::id::SubscriberId) -> String {
        URL_SAFE_NO_PAD.encode(hmac(&self.unsubscribe, &[subscriber.uuid().as_bytes()]))
    }

    pub fn is_unsubscribe_token(&self, subscriber: domain::id::SubscriberId, candidate: &str) -> bool {
        equal(self.unsubscribe_token(subscriber).as_bytes(), candidate.as_bytes())
    }

    /// Encrypts `plain` for the place named `place` (table, column, row), so that a copied value does not open
    /// elsewhere. `fresh` must be unpredictable and never used twice.
    pub fn seal(&self, place: &str, plain: &[u8], fresh: &[u8; 32]) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(fresh) {
            *to = *from;
        }
        let mut sealed = plain.to_vec();
        self.aead()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::Internal("sealing failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// The reverse of [`Self::seal`]; fails for another place, another key or a changed byte.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = || Error::Internal("a sealed value does not open with this key");
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut buffer = rest.to_vec();
        let plain = self
            .aead()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut buffer)
            .map_err(|_| broken())?;
        Ok(plain.to_vec())
    }

    fn aead(&self) -> Result<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.seal)
            .map(LessSafeKey::new)
            .map_err(|_| Error::Internal("bad seal key"))
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

/// A fresh secret as it stands in a link or a cookie, and the hash that is stored.
pub struct FreshSecret {
    pub text: String,
    pub hash: Vec<u8>,
}

impl FreshSecret {
    pub fn new(bytes: &[u8; 32]) -> Self {
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let hash = token_hash(&text);
        Self { text, hash }
    }
}

/// SHA-256 of a secret's text: what the database knows of it.
pub fn token_hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// Compares without telling by its time where two values differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length; the error type exists for other MACs.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_unchanged() {
        let keys = Keys::derive(b"0123456789abcdef0123456789abcdef");
        let sealed = keys.seal("users.totp_secret.1", b"secret", &[7; 32]).unwrap();
        assert_eq!(keys.open("users.totp_secret.1", &sealed).unwrap(), b"secret");
        assert!(keys.open("users.totp_secret.2", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(keys.open("users.totp_secret.1", &changed).is_err());
        assert!(Keys::derive(b"another").open("users.totp_secret.1", &sealed).is_err());
        assert!(keys.open("x", b"short").is_err());
    }

    #[test]
    fn keys_of_different_uses_differ_and_print_nothing() {
        let keys = Keys::derive(b"0123456789abcdef0123456789abcdef");
        assert_ne!(keys.access_token, keys.seal);
        assert_eq!(format!("{keys:?}"), "Keys([redacted])");
    }

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let keys = Keys::derive(b"0123456789abcdef0123456789abcdef");
        let token = keys.csrf_token(b"session one");
        assert!(keys.is_csrf_token(b"session one", &token));
        assert!(!keys.is_csrf_token(b"session two", &token));
        assert!(!keys.is_csrf_token(b"session one", ""));
    }
}
