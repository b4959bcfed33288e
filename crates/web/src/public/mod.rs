//! What visitors see without an account. Nothing here but the landing page reads a cookie.

pub mod badge;
pub mod documents;
pub mod figures;
pub mod incident;
pub mod landing;
pub mod status_page;
pub mod subscribe;

mod assemble;
mod feed;
mod gate;
pub(crate) mod timeline;
