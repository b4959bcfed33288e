//! Samples of the landing page and the documentation.

use super::{Sample, Words};
use serde_json::json;
use web::view::docs::{ApiPage, IndexPage};
use web::view::landing::LandingPage;

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    let site = super::auth::site;
    let today = "2026-11-23T10:30:00Z".parse::<domain::time::Timestamp>().unwrap().day();
    super::add(samples, words, "landing", &LandingPage::new(site(), false, today));
    super::add(samples, words, "landing-member", &LandingPage::new(site(), true, today));
    let public_url = words.text("https://status.example.com");
    super::add(samples, words, "docs", &IndexPage { site: site(), is_logged_in: false, public_url });
    let document = json!({
        "info": { "version": words.text("0.1.0") },
        "paths": {
            "/api/v1/services": {
                "get": { "tags": ["Services"], "summary": words.text("Lists all services"),
                    "responses": { "200": { "description": "", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Services" } } } } } },
                "post": { "tags": ["Services"], "summary": words.text("Creates a service"),
                    "description": words.text("It is placed on a page."),
                    "requestBody": { "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/NewService" } } } },
                    "responses": {
                        "201": { "description": words.text("Made"), "content": { "application/json": {
                            "schema": { "$ref": "#/components/schemas/Service" } } } },
                        "422": { "description": words.text("Refused") } } }
            },
            "/api/v1/services/{id}": { "delete": { "tags": ["Services"],
                "parameters": [{ "name": "id", "in": "path", "required": true,
                    "description": words.text("Of the service"), "schema": { "type": "string" } }],
                "responses": { "204": { "description": "" } } } }
        },
        "components": { "schemas": {
            "NewService": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string", "description": words.text("As visitors call it") },
                "position": { "type": ["integer", "null"], "format": "int32" } } },
            "Service": { "type": "object", "description": words.text("What visitors see"), "properties": {
                "id": { "type": "string" }, "status": { "type": "string", "enum": ["operational", "major_outage"] } } },
            "Services": { "type": "object", "properties": {
                "data": { "type": "array", "items": { "$ref": "#/components/schemas/Service" } } } }
        } }
    });
    let page = ApiPage::new(site(), true, "https://status.example.com", &document);
    super::add(samples, words, "docs-api", &page);
}
