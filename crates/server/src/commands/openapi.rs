//! `openapi`: the document that the server also serves at `/api/v1/openapi.json`.

use super::{Result, print_json};

pub(super) fn run() -> Result {
    print_json(&web::document())
}
