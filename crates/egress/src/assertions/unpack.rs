//! The body as text. Nobody asked for a packed one, but some servers send it all the same; it is unpacked up to the
//! size that a plain one may have, whatever it pretends to hold (T-24).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::Answer;

/// The part of a body that assertions see.
pub(crate) const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// The body, with anything that is not UTF-8 replaced.
#[derive(Default)]
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) is_cut: bool,
}

pub(super) fn is_packed(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// `None`: packed in a way that we do not unpack, or broken.
pub(super) fn text(answer: &Answer) -> Option<Text<'_>> {
    if !is_packed(&answer.headers) {
        return Some(Text { text: String::from_utf8_lossy(&answer.body), is_cut: answer.is_cut });
    }
    let mut codings = answer.headers.get_all(CONTENT_ENCODING).iter();
    let (Some(coding), None) = (codings.next(), codings.next()) else { return None };
    let unpacked = match coding.to_str().ok()?.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(answer.body.as_slice()), answer.is_cut),
        "deflate" => unpack(ZlibDecoder::new(answer.body.as_slice()), answer.is_cut),
        _ => None,
    };
    let (bytes, is_cut) = unpacked?;
    Some(Text { text: Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()), is_cut })
}

/// Up to the cap. When the packed bytes were cut off, what could be unpacked counts.
fn unpack(mut source: impl Read, is_cut: bool) -> Option<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Some((bytes, is_cut)),
            Ok(read) => bytes.extend(buffer.get(..read)?),
            Err(_) if is_cut => return Some((bytes, true)),
            Err(_) => return None,
        }
        if bytes.len() > MAX_TEXT_BYTES {
            bytes.truncate(MAX_TEXT_BYTES);
            return Some((bytes, true));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn read(coding: &str, body: Vec<u8>, is_cut: bool) -> Option<(String, bool)> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
        let answer = Answer { headers, body, is_cut };
        text(&answer).map(|text| (text.text.into_owned(), text.is_cut))
    }

    #[test]
    fn gzip_and_deflate_are_unpacked_and_nothing_else() {
        let plain = || Some(("hello".to_owned(), false));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"hello").unwrap();
        assert_eq!(read("gzip", gzip(b"hello"), false), plain());
        assert_eq!(read("GZIP", gzip(b"hello"), false), plain());
        assert_eq!(read("deflate", zlib.finish().unwrap(), false), plain());
        assert_eq!(read("identity", b"hello".to_vec(), false), plain());
        for (coding, body) in [
            ("br", b"hello".to_vec()),
            ("gzip, gzip", gzip(&gzip(b"hello"))),
            ("gzip", b"hello".to_vec()),
            ("gzip", gzip(b"hello")[..12].to_vec()),
        ] {
            assert_eq!(read(coding, body, false), None, "{coding}");
        }
    }

    #[test]
    fn a_bomb_is_unpacked_to_the_cap_only() {
        let bomb = gzip(&vec![b'a'; 50 * MAX_TEXT_BYTES]);
        let (text, is_cut) = read("gzip", bomb.clone(), false).unwrap();
        assert_eq!((text.len(), is_cut), (MAX_TEXT_BYTES, true));
        let (text, is_cut) = read("gzip", bomb[..200].to_vec(), true).unwrap();
        assert!(is_cut && text.starts_with("aaa"), "a cut one as far as it goes");
    }
}
