//! Access tokens that we never gave out open nothing (T-09).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use testkit::{HttpAnswer, TestApp, db_test};

/// Header and claims as given, signed with `key` by `algorithm`, whatever the header says.
fn forged(header: &Value, claims: &str, key: &[u8], algorithm: Option<Algorithm>) -> String {
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
    let signature = algorithm.map(|algorithm| {
        jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(key), algorithm).unwrap()
    });
    format!("{message}.{}", signature.unwrap_or_default())
}

async fn asks(app: &TestApp, token: &str) -> HttpAnswer {
    let bearer = format!("Bearer {token}");
    app.json(Method::GET, "/api/v1/auth/me", &[("authorization", &bearer)], None).await
}

fn without(claims: &Value, name: &str) -> String {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims.to_string()
}

fn with(claims: &Value, name: &str, value: Value) -> String {
    let mut claims = claims.clone();
    claims[name] = value;
    claims.to_string()
}

#[db_test]
async fn a_token_counts_with_our_algorithm_our_key_and_every_claim_only(app: TestApp) {
    // T-09: alg:none, confusion of algorithms, claims that are missing, wrong or there twice
    let (alice, charlie) = (app.alice().await, app.charlie().await);
    let payload = alice.token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let (key, ours) = (app.ctx.keys.access_token().as_slice(), json!({"typ": "JWT", "alg": "HS256"}));
    let signed = |claims: &str| forged(&ours, claims, key, Some(Algorithm::HS256));
    let told = |alg: &str, by: Option<Algorithm>| {
        forged(&json!({"typ": "JWT", "alg": alg}), &claims.to_string(), key, by)
    };
    assert_eq!(asks(&app, &signed(&claims.to_string())).await.status, StatusCode::OK, "made as ours are");

    let now = app.clock.now().ms() / 1000;
    let twice = claims.to_string().replacen('{', &format!("{{\"sub\":\"{}\",", charlie.user_id), 1);
    for (case, token) in [
        ("none", told("none", None)),
        ("None", told("None", None)),
        ("none, signed", told("none", Some(Algorithm::HS256))),
        ("ours, unsigned", told("HS256", None)),
        ("HS384", told("HS384", Some(Algorithm::HS384))),
        ("HS512", told("HS512", Some(Algorithm::HS512))),
        ("RS256 over the secret", told("RS256", Some(Algorithm::HS256))),
        ("ES256 over the secret", told("ES256", Some(Algorithm::HS256))),
        ("no algorithm", forged(&json!({"typ": "JWT"}), &claims.to_string(), key, Some(Algorithm::HS256))),
        ("another key", forged(&ours, &claims.to_string(), &[7; 32], Some(Algorithm::HS256))),
        ("an empty key", forged(&ours, &claims.to_string(), &[], Some(Algorithm::HS256))),
        ("no exp", signed(&without(&claims, "exp"))),
        ("no sub", signed(&without(&claims, "sub"))),
        ("no sid", signed(&without(&claims, "sid"))),
        ("exp now", signed(&with(&claims, "exp", json!(now)))),
        ("exp as text", signed(&with(&claims, "exp", json!("9999999999")))),
        ("exp null", signed(&with(&claims, "exp", Value::Null))),
        ("somebody else's session", signed(&with(&claims, "sub", json!(charlie.user_id)))),
        ("two subjects", signed(&twice)),
        ("no token", String::new()),
        ("dots", "..".to_owned()),
    ] {
        let answer = asks(&app, &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{case}: {}", answer.text);
    }
}
