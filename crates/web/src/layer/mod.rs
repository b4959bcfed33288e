//! What happens to every request before its handler: id, client address, headers.

mod client_ip;
mod headers;
mod idempotency;
mod rate_limit;
mod request_id;

pub use client_ip::{ClientIp, client_ip};
pub use headers::security_headers;
pub use idempotency::idempotency;
pub(crate) use rate_limit::PublicRate;
pub use rate_limit::public_rate;
pub use request_id::{current as current_request_id, request_id};
