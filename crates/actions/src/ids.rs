//! The source of ids and secrets outside tests.

use domain::time::Timestamp;
use rand::Rng;
use uuid::Uuid;

use crate::Ids;

/// The operating system's generator, through a thread-local CSPRNG.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0_u8; 10];
        rand::rng().fill_bytes(&mut bytes);
        uuid_v7(now, bytes)
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}

/// RFC 9562 version 7: 48 bits of unix milliseconds, the rest from `random`.
pub fn uuid_v7(now: Timestamp, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.ms()).unwrap_or(0), &random).into_uuid()
}

/// Six characters for a slug that must give way to another one.
pub fn short_suffix(ids: &dyn Ids) -> String {
    hex::encode(ids.secret().first_chunk::<3>().copied().unwrap_or_default())
}
