//! Messages on their way out: what is sent, the state of a delivery, when it is tried again.

use crate::id::{DeliveryId, OrgId};
use crate::incident::IncidentStatus;
use crate::service::ServiceStatus;
use crate::time::Timestamp;

/// One message to one recipient, queued in the transaction of its cause. `payload` is the JSON of a
/// [`Message`] and is emptied once the message has left, so that no link with a secret stays behind.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    pub id: DeliveryId,
    /// `None` for mail about an account rather than an organization.
    pub organization_id: Option<OrgId>,
    pub recipient: String,
    pub payload: String,
    /// Finished tries so far.
    pub attempts: i32,
    pub created_at: Timestamp,
}

// The payload can carry a one-time link (T-22).
impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Everything the product mails, with what each text needs. Links are absolute.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    VerifyEmail {
        link: String,
    },
    ResetPassword {
        link: String,
    },
    ChangeEmail {
        link: String,
        new_address: String,
    },
    /// To the old address after the change.
    EmailChanged {
        new_address: String,
    },
    PasswordChanged {},
    Invitation {
        organization: String,
        inviter: String,
        role: String,
        link: String,
    },
    ConfirmSubscription {
        page: String,
        page_link: String,
        link: String,
    },
    /// To a confirmed subscriber when something was posted on an incident.
    IncidentUpdate {
        page: String,
        incident: String,
        status: IncidentStatus,
        /// Markdown as written; may be empty.
        body: String,
        /// Affected services under the names of this page, with what the incident does to each.
        services: Vec<(String, ServiceStatus)>,
        posted_at: Timestamp,
        incident_id: crate::id::IncidentId,
        link: String,
        unsubscribe_link: String,
    },
    /// To the owners when a visitor could not subscribe because the tier's limit is reached (X58).
    SubscribersFull {
        page: String,
        /// Confirmed subscribers that the tier allows.
        limit: u32,
        link: String,
    },
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message(…)")
    }
}

/// Seconds to wait after the n-th failed try (1-based). `None`: give up (F-08).
pub fn retry_after_s(attempts: i32) -> Option<i64> {
    match attempts {
        i32::MIN..=0 => Some(0),
        1 => Some(5),
        2 => Some(5 * 60),
        3 => Some(30 * 60),
        4 => Some(2 * 3600),
        5 => Some(5 * 3600),
        6 | 7 => Some(10 * 3600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_spread_over_a_day_and_then_no_more() {
        let waits: Vec<_> = (1..=9).map(retry_after_s).collect();
        assert_eq!(waits[7], None);
        assert!(waits.windows(2).take(6).all(|pair| pair[0] <= pair[1]), "never sooner than before");
    }
}
