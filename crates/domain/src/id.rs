//! Typed ids: UUIDv7 inside, `prefix_` and 26 characters of Crockford base 32 on the wire (`ux.md` 1.6).
//!
//! A bare UUID is accepted on input too, so that imported rows keep the id their owners know.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text is not an id of this kind. Callers answer as if the thing did not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct InvalidId;

fn encode(id: Uuid) -> String {
    let value = id.as_u128();
    (0..26)
        .rev()
        .map(|place| {
            let index = usize::try_from((value >> (place * 5)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != 26 {
        return None;
    }
    let mut value: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        // 26 × 5 = 130 bits: the first digit may only fill the lowest three.
        if place == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(Uuid::from_u128(value))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// What stands before the underscore on the wire.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps an id that was just made or read; says nothing about who may see it.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let wire = text.strip_prefix(Self::PREFIX).and_then(|rest| rest.strip_prefix('_'));
                let parsed = match wire {
                    Some(rest) => decode(rest),
                    None if text.len() == 36 => Uuid::try_parse(text).ok(),
                    None => None,
                };
                parsed.map(Self).ok_or(InvalidId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A tenant.
    OrgId = "org";
    /// A person who can log in.
    UserId = "us";
    /// One log-in of one person on one device (D2: the `sid` of an access token).
    SessionId = "se";
    /// An invitation into an organization.
    InvitationId = "iv";
    /// A public page.
    PageId = "pg";
    /// What visitors see; a component in the Statuspage-shaped output, hence the prefix (D5).
    ServiceId = "cm";
    /// What we check.
    MonitorId = "mn";
    IncidentId = "in";
    IncidentUpdateId = "iu";
    /// An incident, or the end of one, that waits for a person's word.
    SuggestionId = "sg";
    SubscriberId = "sb";
    /// A row of the outbox: one message to one recipient.
    DeliveryId = "dl";
    /// A one-time secret (verify, reset, …).
    TokenId = "tk";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(value: u128) {
            let id = ServiceId::new(Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse::<ServiceId>(), Ok(id));
            prop_assert_eq!(id.uuid().to_string().parse::<ServiceId>(), Ok(id));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<ServiceId>();
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let page = PageId::new(Uuid::from_u128(7)).to_string();
        assert_eq!(page.parse::<ServiceId>(), Err(InvalidId));
        assert_eq!("".parse::<ServiceId>(), Err(InvalidId));
        assert_eq!("cm_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<ServiceId>(), Err(InvalidId), "overflow");
    }
}
