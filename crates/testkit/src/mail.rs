//! Reads a mail as its reader would: decoded subject, text and HTML, and the link to follow.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// One mail that the sink took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body as sent, without dot-stuffing.
    pub raw: String,
}

impl Mail {
    /// The first header of this name, unfolded and decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        Part::parse(&self.raw).header(name).map(|value| decode_words(&value))
    }

    /// Decoded; empty when there is none.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The plain text a reader sees; empty when the mail has none.
    pub fn text(&self) -> String {
        Part::parse(&self.raw).find("text/plain").unwrap_or_default()
    }

    /// The HTML part; `None` when the mail is text only.
    pub fn html(&self) -> Option<String> {
        Part::parse(&self.raw).find("text/html")
    }

    /// The first address in the text that contains `path`.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&self, path: &str) -> String {
        let text = self.text();
        text.split(|c: char| c.is_whitespace() || "<>()\"".contains(c))
            .find(|word| word.starts_with("http") && word.contains(path))
            .unwrap_or_else(|| panic!("no link with {path} in this mail:\n{text}"))
            .trim_end_matches(['.', ','])
            .to_owned()
    }
}

/// A mail or a part of it: headers, an empty line, a body.
struct Part<'a> {
    headers: Vec<(String, String)>,
    body: &'a str,
}

impl<'a> Part<'a> {
    fn parse(raw: &'a str) -> Self {
        let (head, body) = match raw.strip_prefix("\r\n") {
            Some(body) => ("", body),
            None => raw.split_once("\r\n\r\n").unwrap_or((raw, "")),
        };
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = unfolded
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { headers, body }
    }

    fn header(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// The decoded body of the first part of this type, depth first.
    fn find(&self, wanted: &str) -> Option<String> {
        let content_type = self.header("Content-Type").unwrap_or_else(|| "text/plain".to_owned());
        let kind = content_type.to_ascii_lowercase();
        if kind.starts_with("multipart/") {
            let boundary = content_type.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
            let separator = format!("--{boundary}");
            let parts = self.body.split(separator.as_str()).skip(1);
            return parts
                .take_while(|part| !part.starts_with("--"))
                .find_map(|part| Part::parse(part.strip_prefix("\r\n").unwrap_or(part)).find(wanted));
        }
        kind.starts_with(wanted).then(|| self.decoded())
    }

    fn decoded(&self) -> String {
        let encoding = self.header("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
        let bytes = match encoding.as_str() {
            "base64" => decode_base64(self.body),
            "quoted-printable" => decode_quoted(&self.body.replace("=\r\n", "")),
            _ => self.body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).expect("a body in UTF-8").replace("\r\n", "\n").trim_end().to_owned()
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    let joined: String = text.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(joined).expect("valid base64")
}

fn decode_quoted(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let digits: String = bytes.by_ref().take(2).map(char::from).collect();
            decoded.push(u8::from_str_radix(&digits, 16).expect("two hex digits after ="));
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

/// `=?utf-8?b?…?=` and `=?utf-8?q?…?=`; blanks between two such words do not count (RFC 2047).
fn decode_words(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some((before, word)) = rest.split_once("=?") {
        let mut fields = word.splitn(3, '?');
        let (Some(_charset), Some(encoding), Some(tail)) = (fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        let Some((content, tail)) = tail.split_once("?=") else { break };
        if !(after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        let bytes = match encoding {
            "b" | "B" => decode_base64(content),
            _ => decode_quoted(&content.replace('_', " ")),
        };
        decoded.push_str(&String::from_utf8(bytes).expect("a header in UTF-8"));
        rest = tail;
        after_word = true;
    }
    decoded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail { from: String::new(), to: Vec::new(), raw: raw.replace('\n', "\r\n") }
    }

    #[test]
    fn the_parts_of_an_alternative_are_found_and_decoded() {
        let mail = mail(concat!(
            "Subject: =?utf-8?b?R3LDvMOfZQ==?=\n =?utf-8?q?_from_=22us=22?= plain\n",
            "Content-Type: multipart/alternative;\n boundary=\"xyz\"\n\n",
            "--xyz\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n",
            "Caf=C3=A9 is =\nopen: http://host/verify?token=3Dabc.\n",
            "--xyz\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n",
            "PGI+aGk8\nL2I+\n--xyz--\n"
        ));
        assert_eq!(mail.subject(), "Grüße from \"us\" plain");
        assert_eq!(mail.text(), "Café is open: http://host/verify?token=abc.");
        assert_eq!(mail.html().unwrap(), "<b>hi</b>");
        assert_eq!(mail.link("/verify"), "http://host/verify?token=abc");
    }

    #[test]
    fn a_plain_mail_is_read_as_it_stands() {
        let mail = mail("Subject: Hello\n\nfirst\n\nsecond\n");
        assert_eq!((mail.subject().as_str(), mail.text().as_str()), ("Hello", "first\n\nsecond"));
        assert_eq!(mail.html(), None);
    }

    #[test]
    #[should_panic(expected = "no link with /reset")]
    fn a_missing_link_fails_the_test() {
        mail("Subject: x\n\nhttp://host/verify\n").link("/reset");
    }
}
