//! What visitors see without an account. Nothing here reads a cookie.

pub mod incident;
pub mod status_page;

mod assemble;
mod gate;
pub(crate) mod timeline;
