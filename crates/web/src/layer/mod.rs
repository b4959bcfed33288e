//! What happens to every request before its handler: id, client address, headers.

mod client_ip;
mod conditional;
mod headers;
mod idempotency;
mod rate_limit;
mod request_id;

pub(crate) use client_ip::{ClientIp, client_ip};
pub(crate) use conditional::not_modified;
pub(crate) use headers::security_headers;
pub(crate) use idempotency::idempotency;
pub(crate) use rate_limit::{RequestRate, api_rate, public_rate};
pub(crate) use request_id::{
    current as current_request_id, note_organization, plan_url as current_plan_url, request_id,
};
