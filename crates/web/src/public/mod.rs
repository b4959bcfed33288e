//! What visitors see without an account. Nothing here but the landing page reads a cookie.

pub mod incident;
pub mod landing;
pub mod status_page;
pub mod subscribe;

mod assemble;
mod gate;
pub(crate) mod timeline;
