//! Argon2id. Hashing takes tens of milliseconds of a core and 19 MiB, so it runs beside the request loops and only
//! as often at once as there are cores (T-11).

use std::num::NonZero;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::{Error, Result};

const SALT_BYTES: usize = 16;

/// Hashes and checks passwords; cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    places: Arc<Semaphore>,
}

impl Passwords {
    /// 19 MiB, two passes, one lane.
    pub fn new() -> Self {
        Self::with(Params::DEFAULT)
    }

    /// Weak and quick, for tests only.
    pub fn cheap() -> Self {
        Self::with(Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or(Params::DEFAULT))
    }

    fn with(params: Params) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            places: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The PHC string to store. `fresh` must be unpredictable; a part of it becomes the salt.
    pub async fn hash(&self, password: &str, fresh: &[u8; 32]) -> Result<String> {
        let salt: [u8; SALT_BYTES] = fresh.first_chunk().copied().unwrap_or_default();
        let password = password.to_owned();
        self.run(move |argon2| {
            let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|_| Error::Internal("a password could not be hashed"))
        })
        .await
    }

    /// Whether `password` is the one behind `stored`. `None`: there is no such account; the answer is then `false`
    /// after the same work, so that its time tells nothing (X2).
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let Some(stored) = stored.map(str::to_owned) else {
            self.hash(password, &[0; 32]).await?;
            return Ok(false);
        };
        let password = password.to_owned();
        self.run(move |argon2| {
            let hash = PasswordHash::new(&stored)
                .map_err(|_| Error::Internal("a stored password hash is broken"))?;
            Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
    }

    /// Whether `stored` was made with other parameters than today's and should be made anew at the next log-in.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else { return true };
        let params = Params::try_from(&hash);
        hash.algorithm != Algorithm::Argon2id.ident()
            || params.is_ok_and(|params| {
                let today = self.argon2.params();
                (params.m_cost(), params.t_cost(), params.p_cost())
                    != (today.m_cost(), today.t_cost(), today.p_cost())
            })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let argon2 = self.argon2.clone();
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| Error::Internal("the places for hashing are closed"))?;
        tokio::task::spawn_blocking(move || {
            // Kept by the work, not by the request: a request that goes away does not make room for another one.
            let _place = place;
            work(&argon2)
        })
        .await
        .map_err(|_| Error::Internal("hashing was broken off"))?
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("params", self.argon2.params()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::cheap();
        let hash = passwords.hash("tangerine-lamp-97", &[1; 32]).await.unwrap();
        assert!(passwords.verify("tangerine-lamp-97", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("tangerine-lamp-98", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("tangerine-lamp-97", None).await.unwrap());
        assert!(passwords.verify("tangerine-lamp-97", Some("plain")).await.is_err());
    }

    #[tokio::test]
    async fn equal_passwords_of_two_people_have_different_hashes() {
        let passwords = Passwords::cheap();
        let one = passwords.hash("tangerine-lamp-97", &[1; 32]).await.unwrap();
        assert_ne!(one, passwords.hash("tangerine-lamp-97", &[2; 32]).await.unwrap());
    }

    #[tokio::test]
    async fn the_product_hashes_with_19_mib_two_passes_and_one_lane() {
        // T-11
        let hash = Passwords::new().hash("tangerine-lamp-97", &[1; 32]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated_and_still_opens() {
        // X4
        let (old, new) = (Passwords::cheap(), Passwords::new());
        let hash = old.hash("tangerine-lamp-97", &[1; 32]).await.unwrap();
        assert!(!old.is_outdated(&hash));
        assert!(new.is_outdated(&hash));
        assert!(new.verify("tangerine-lamp-97", Some(&hash)).await.unwrap());
    }
}
