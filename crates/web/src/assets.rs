//! The files of `static/`: embedded, compressed once, named by their content, answered with `ETag` and `304`.
//!
//! A style sheet is a bundle of parts in one file, so that a page needs one request for it. [`Precompressed`] serves
//! every other answer that is rendered once and sent many times, too.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io::Write;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Style sheets by name, with the parts they are made of.
const BUNDLES: [(&str, &[&str]); 2] = [
    ("public.css", &["css/tokens.css", "css/base.css", "css/page.css"]),
    ("app.css", &["css/tokens.css", "css/base.css", "css/page.css", "css/app.css"]),
];

/// A year: the name changes with the content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For names without a hash, and for hashes of an earlier version that a cached page may still ask for.
const SHORT: &str = "public, max-age=300";

static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(load);

struct Asset {
    url: String,
    content_type: &'static str,
    bytes: Precompressed,
}

/// An answer in three encodings under one content hash.
#[derive(Debug, Clone)]
pub struct Precompressed {
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    hash: String,
}

impl Precompressed {
    /// Compresses now (brotli 9, gzip 9); about 1 ms of CPU for 30 kB.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        let made = Self::plain(plain);
        Self { brotli: brotli(&made.plain), gzip: gzip(&made.plain), ..made }
    }

    /// For a few hundred bytes that are made for one answer: compressing them would cost more than it saves.
    pub fn plain(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let mut hash = hex::encode(Sha256::digest(&plain));
        hash.truncate(16);
        Self { brotli: None, gzip: None, plain, hash }
    }

    /// The content hash: 16 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Length with gzip, in bytes: what the budget of a page is measured in.
    pub fn gzip_len(&self) -> usize {
        self.gzip.as_ref().unwrap_or(&self.plain).len()
    }

    /// `200` in the best encoding the client takes, or `304` when it has these bytes already.
    pub fn answer(
        &self,
        request: &HeaderMap,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Response {
        let brotli = self.brotli.as_ref().filter(|_| allows(request, "br")).map(|bytes| (Some("br"), bytes));
        let gzip =
            || self.gzip.as_ref().filter(|_| allows(request, "gzip")).map(|bytes| (Some("gzip"), bytes));
        let (encoding, bytes) = brotli.or_else(gzip).unwrap_or((None, &self.plain));
        let etag = format!("\"{}-{}\"", self.hash, encoding.unwrap_or("id"));
        let known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*");
        let mut response = Response::new(if known { Body::empty() } else { Body::from(bytes.clone()) });
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        if let Ok(etag) = HeaderValue::try_from(etag) {
            headers.insert(header::ETAG, etag);
        }
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

/// The path of a file below the public URL's own path: `/static/public.<hash>.css`. Empty for a name that is not there.
pub fn asset_url(name: &str) -> &'static str {
    ASSETS.get(name).map_or("", |asset| asset.url.as_str())
}

/// `GET /static/{*name}`: with the current hash for a year, otherwise for minutes.
#[expect(clippy::needless_pass_by_value, reason = "a handler owns what its extractors give")]
pub fn show(Path(name): Path<String>, request: HeaderMap) -> Ready<Response> {
    ready(find(&name, &request))
}

fn find(name: &str, request: &HeaderMap) -> Response {
    let short = without_hash(name);
    let Some(asset) = ASSETS.get(name).or_else(|| ASSETS.get(&short)) else {
        let mut response = Response::new(Body::from("There is no such file.\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let is_current = asset.url.strip_prefix("/static/") == Some(name);
    asset.bytes.answer(request, asset.content_type, if is_current { IMMUTABLE } else { SHORT })
}

/// `public.0123456789abcdef.css` → `public.css`.
fn without_hash(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('.').collect();
    let is_hash = |part: &str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(index) = parts.len().checked_sub(2)
        && parts.get(index).is_some_and(|part| is_hash(part))
    {
        parts.remove(index);
    }
    parts.join(".")
}

fn load() -> HashMap<String, Asset> {
    let mut assets = HashMap::new();
    for (name, parts) in BUNDLES {
        let text: String =
            parts.iter().filter_map(|part| Files::get(part)).fold(String::new(), |text, part| {
                text + without_comments(&String::from_utf8_lossy(&part.data)).as_str() + "\n"
            });
        add(&mut assets, name, "text/css; charset=utf-8", text.into());
    }
    for path in Files::iter().filter(|path| !path.starts_with("css/")) {
        if let Some(file) = Files::get(&path) {
            let content_type =
                if path.ends_with(".svg") { "image/svg+xml" } else { "application/octet-stream" };
            add(&mut assets, &path, content_type, file.data.into_owned().into());
        }
    }
    assets
}

fn add(assets: &mut HashMap<String, Asset>, name: &str, content_type: &'static str, content: Bytes) {
    let bytes = Precompressed::new(content);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let url = format!("/static/{stem}.{}.{extension}", bytes.hash());
    assets.insert(name.to_owned(), Asset { url, content_type, bytes });
}

/// Comments are for the reader of the source; a visitor does not load them.
fn without_comments(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn brotli(plain: &[u8]) -> Option<Bytes> {
    let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    let mut packed = Vec::new();
    let mut plain = plain;
    brotli::BrotliCompress(&mut plain, &mut packed, &params).ok()?;
    Some(packed.into())
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Whether `Accept-Encoding` names `wanted` and does not forbid it with `q=0`.
fn allows(request: &HeaderMap, wanted: &str) -> bool {
    request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|entry| {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let is_positive = parameters
                .split(';')
                .filter_map(|parameter| parameter.trim().strip_prefix("q="))
                .all(|quality| quality.trim().parse::<f32>().is_ok_and(|quality| quality > 0.0));
            name.trim().eq_ignore_ascii_case(wanted).then_some(is_positive)
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    async fn get(name: &str, pairs: &[(header::HeaderName, &str)]) -> Response {
        show(Path(name.to_owned()), headers(pairs)).await
    }

    fn name_of(url: &str) -> &str {
        url.strip_prefix("/static/").unwrap()
    }

    #[tokio::test]
    async fn a_hashed_name_may_be_kept_for_ever_and_an_old_hash_still_works() {
        let current = get(name_of(asset_url("public.css")), &[]).await;
        assert_eq!(current.status(), 200);
        assert_eq!(current.headers()["cache-control"], IMMUTABLE);
        assert_eq!(current.headers()["content-type"], "text/css; charset=utf-8");
        for old in ["public.0123456789abcdef.css", "public.css"] {
            let response = get(old, &[]).await;
            assert_eq!(
                (response.status().as_u16(), &response.headers()["cache-control"]),
                (200, &HeaderValue::from_static(SHORT))
            );
        }
        assert_eq!(get("nothing.css", &[]).await.status(), 404);
        assert_eq!(get("../Cargo.toml", &[]).await.status(), 404);
        assert_eq!(get("css/tokens.css", &[]).await.status(), 404);
    }

    #[tokio::test]
    async fn the_best_allowed_encoding_is_sent_and_its_tag_gives_304() {
        let name = name_of(asset_url("app.css"));
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("identity", None),
            ("br;q=x", None),
        ] {
            let response = get(name, &[(header::ACCEPT_ENCODING, accept)]).await;
            let got = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
            assert_eq!(got, encoding, "{accept}");
            assert_eq!(response.headers()["vary"], "accept-encoding");
            let tag = response.headers()["etag"].to_str().unwrap();
            let again = get(
                name,
                &[(header::ACCEPT_ENCODING, accept), (header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"))],
            )
            .await;
            assert_eq!(again.status(), 304, "{accept}");
            assert!(!again.headers().contains_key("content-encoding"));
        }
    }

    #[tokio::test]
    async fn compressed_bytes_unpack_to_the_plain_ones() {
        use std::io::Read;
        let body = |response: Response| axum::body::to_bytes(response.into_body(), usize::MAX);
        let name = name_of(asset_url("public.css"));
        let plain = body(get(name, &[]).await).await.unwrap();
        let br = body(get(name, &[(header::ACCEPT_ENCODING, "br")]).await).await.unwrap();
        let gz = body(get(name, &[(header::ACCEPT_ENCODING, "gzip")]).await).await.unwrap();
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &br[..], &mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&gz[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        assert!(br.len() < gz.len() && gz.len() < plain.len() / 2);
    }

    #[test]
    fn style_sheets_ask_nobody_else() {
        for name in ["public.css", "app.css"] {
            let css = String::from_utf8(ASSETS[name].bytes.plain.to_vec()).unwrap();
            assert!(css.contains("--bg:") && !css.contains("/*"), "{name}");
            assert!(!css.contains("@import") && !css.contains("://"), "{name}");
            let targets: Vec<&str> = css.split("url(").skip(1).map(|rest| &rest[..1]).collect();
            assert!(targets.iter().all(|first| *first == "#"), "{name}: {targets:?}");
        }
    }
}
