//! The OpenAPI document is what programs were written against: a difference is a decision (`ux.md` 1.6).

use serde_json::{Value, json};

fn document() -> Value {
    serde_json::to_value(web::document()).unwrap()
}

#[test]
fn the_document_says_what_it_said() {
    // `INSTA_UPDATE=always` accepts a change; new fields are fine, others break programs.
    insta::assert_snapshot!(serde_json::to_string_pretty(&document()).unwrap());
}

#[test]
fn what_all_operations_share_is_in_the_document() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{"url": "/"}]));
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let service = &document["paths"]["/api/v1/services/{id}"];
    let headers = |operation: &Value| -> Vec<String> {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let headers = parameters.filter(|parameter| parameter["in"] == "header");
        headers.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(headers(&service["get"]), ["X-Organization"]);
    assert_eq!(headers(&service["patch"]), ["X-Organization", "If-Match"]);
    let create = &document["paths"]["/api/v1/services"]["post"];
    assert_eq!(headers(create), ["X-Organization", "Idempotency-Key"]);
    let refused = create["responses"]["403"]["content"].as_object().unwrap();
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["application/problem+json"]);
    assert_eq!(document["paths"]["/api/v1/auth/login"]["post"]["security"], json!([]));
}
