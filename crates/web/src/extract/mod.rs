//! Gates as extractors: who is asking, for which organization, and a body that was understood. A handler that names
//! one of these in its arguments cannot run without it.

mod body;
mod client;
mod path;
mod scope;
mod session;

pub(crate) use body::{CsrfForm, Form, Json, OpenForm, Query};
pub(crate) use client::Caller;
pub(crate) use path::Path;
pub(crate) use scope::used_last;
pub(crate) use scope::{IfMatch, Member, MemberOf, PageMember};
pub(crate) use session::{CurrentUser, PageUser, Visitor, access_token, clear_cookie, session_cookie};
