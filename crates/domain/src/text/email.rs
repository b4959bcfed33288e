//! E-mail addresses in a canonical and a display form (X3).

use std::fmt;

use super::TextError;

const MAX: usize = 255;
const MAX_LOCAL: usize = 64;

/// An address that mail can be sent to. The part before the `@` is ASCII, as our mail transport needs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email {
    canonical: String,
    display: String,
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().count() > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        let (local, domain) = text.split_once('@').ok_or(TextError::EmailMalformed)?;
        if !is_local_part(local) {
            return Err(TextError::EmailMalformed);
        }
        let domain = canonical_domain(domain).ok_or(TextError::EmailMalformed)?;
        let display = format!("{local}@{domain}");
        if display.len() > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        Ok(Self { canonical: display.to_ascii_lowercase(), display })
    }

    /// Lower-case throughout: the form that is unique and looked up.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// As typed, with the domain in ASCII: the form that is shown and written to.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display)
    }
}

/// Unquoted, with dots between words only. Quoted forms are legal and unused, and a place to hide line breaks.
fn is_local_part(local: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    local.len() <= MAX_LOCAL && local.split('.').all(is_word)
}

/// `None` for anything but a host name of at least two labels; addresses of machines are refused.
fn canonical_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let (_, last) = ascii.rsplit_once('.')?;
    let ends_in_a_name = last.len() >= 2 && !last.bytes().all(|byte| byte.is_ascii_digit());
    ends_in_a_name.then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_white_space_do_not_make_another_address() {
        // X3
        let email = Email::parse("  Alice.Smith+Status@Example.ORG ").unwrap();
        assert_eq!(email.canonical(), "alice.smith+status@example.org");
        assert_eq!(email.display(), "Alice.Smith+Status@example.org");
        assert_eq!(email.to_string(), email.display());
    }

    #[test]
    fn domains_are_written_in_ascii() {
        assert_eq!(Email::parse("bob@bücher.example").unwrap().canonical(), "bob@xn--bcher-kva.example");
        assert_eq!(Email::parse("bob@BÜCHER.example").unwrap().canonical(), "bob@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for bad in [
            "alice",
            "@example.org",
            "alice@",
            "alice@example",
            "alice@@example.org",
            "alice@a@example.org",
            "al ice@example.org",
            "alice@exa mple.org",
            "alice@example.org\r\nBcc: bob@example.org",
            "alice\r\n@example.org",
            "alice\0@example.org",
            "\"alice\"@example.org",
            "<alice@example.org>",
            "Alice <alice@example.org>",
            ".alice@example.org",
            "alice.@example.org",
            "a..b@example.org",
            "alice@.example.org",
            "alice@example..org",
            "alice@example.org.",
            "alice@127.0.0.1",
            "alice@[::1]",
            "alice@-example.org",
            "alice@exam_ple.org",
            "älice@example.org",
            "alice,bob@example.org",
            "alice@example.org,bob@example.org",
            "alice＠example.org",
            "alice@ex\u{202E}ample.org",
            "alice@e.x",
        ] {
            assert_eq!(Email::parse(bad), Err(TextError::EmailMalformed), "{bad:?}");
        }
        assert_eq!(Email::parse("  "), Err(TextError::Empty));
    }

    #[test]
    fn long_addresses_are_refused() {
        // S18: at most 255.
        let label = "d".repeat(60);
        let at_limit = format!("{}@{label}.{label}.{label}.org", "a".repeat(64));
        assert!(at_limit.len() <= MAX && Email::parse(&at_limit).is_ok());
        let local_too_long = format!("{}@example.org", "a".repeat(65));
        assert_eq!(Email::parse(&local_too_long), Err(TextError::EmailMalformed));
        let long = format!("alice@{}org", "example.".repeat(40));
        assert_eq!(Email::parse(&long), Err(TextError::TooLong { max: 255 }));
        // Short as typed, long in ASCII.
        let grows = format!("alice@{}.org", ["ü".repeat(20).as_str(); 10].join("."));
        assert!(Email::parse(&grows).is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_safe_and_stable(text in "[!-~]{0,20}@[!-~]{0,20}|.{0,40}|[a-z.]{1,8}@[a-zß.]{1,12}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.display().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(email.display().matches('@').count(), 1);
                prop_assert_eq!(Email::parse(email.display()), Ok(email.clone()));
                let again = Email::parse(email.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), email.canonical());
            }
        }
    }
}
