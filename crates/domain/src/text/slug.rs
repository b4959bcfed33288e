//! Slugs: the part of an address that names an organization, a page or a service (X1, X23).

use std::fmt;

use super::TextError;

const MIN: usize = 3;
const MAX: usize = 50;

/// What a slug names; decides which words are reserved and what stands in when a name yields nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlugOf {
    Organization,
    StatusPage,
    Service,
}

/// Separated by white space: words of our own addresses and host names, or of people who pretend to be us (X1).
const RESERVED_ORGANIZATIONS: &str = "\
    abuse about account accounts acme-challenge admin administrator api app apps assets auth autoconfig
    autodiscover badge badges billing blog cdn changelog confirm contact dashboard default demo dev dns
    docs embed events example favicon feed ftp graphql health healthz help history hooks hostmaster imap
    incident incidents info internal invitation invitations invite invites legal livez localhost login
    logout mail maintenance manage me members metrics monitor monitors mta-sts new noreply no-reply null
    oauth onboarding openapi operator organization organizations orgs owner p page pages password plans
    pop postmaster press pricing privacy private probe public readyz register reset robots root security
    service services session settings sign-in sign-out sign-up signin signout signup sitemap smtp ssl
    sso staging static stats status stripe subscribe subscriber subscribers superuser support system
    teams terms test tls undefined unsubscribe uptime user users verify webhook webhooks webmail
    webmaster well-known wpad www";

/// First path segments below `/p/{org}/`, now or soon (X23).
const RESERVED_PAGES: &str = "\
    api assets badge badges calendar confirm embed events favicon feed feeds history incident incidents
    llms login logout maintenance maintenances manage new og robots service services settings sitemap
    static subscribe subscriber subscribers subscription summary unlock unsubscribe uptime
    well-known";

impl SlugOf {
    fn reserved(self) -> impl Iterator<Item = &'static str> {
        let words = match self {
            Self::Organization => RESERVED_ORGANIZATIONS,
            Self::StatusPage => RESERVED_PAGES,
            Self::Service => "",
        };
        words.split_whitespace()
    }

    /// Stands for a name without usable letters, and is appended to one that is reserved or too short.
    /// Itself neither reserved nor too short.
    const fn stand_in(self) -> &'static str {
        match self {
            Self::Organization => "team",
            Self::StatusPage => "page",
            Self::Service => "service",
        }
    }
}

/// 3 to 50 of `a-z`, `0-9` and single hyphens inside. Never a UUID, so that "slug or id" is one or the other (D3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, sqlx::Type)]
#[sqlx(transparent)]
pub struct Slug(String);

impl Slug {
    /// Takes the text as typed, apart from white space around it.
    pub fn parse(text: &str, of: SlugOf) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if !text.bytes().all(is_plain) || text.starts_with('-') || text.ends_with('-') || text.contains("--")
        {
            return Err(TextError::SlugMalformed);
        }
        if text.len() < MIN {
            return Err(TextError::TooShort { min: MIN });
        }
        if text.len() > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        if of.reserved().any(|word| word == text) || uuid::Uuid::try_parse(text).is_ok() {
            return Err(TextError::SlugReserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// A slug for any name at all: folded to ASCII, cut, and moved off reserved words. Says nothing about
    /// whether it is taken; see [`Slug::with_suffix`].
    pub fn from_name(name: &str, of: SlugOf) -> Self {
        let folded = hyphenated(name, MAX);
        if let Ok(slug) = Self::parse(&folded, of) {
            return slug;
        }
        if folded.is_empty() {
            return Self(of.stand_in().to_owned());
        }
        let room = MAX - 1 - of.stand_in().len();
        Self(format!("{}-{}", hyphenated(&folded, room), of.stand_in()))
    }

    /// The slug, cut where needed, with `-suffix` behind it: the way out of a collision (X1). What is not a
    /// letter or digit is dropped from the suffix.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let suffix = hyphenated(suffix, MAX / 2);
        if suffix.is_empty() {
            return self.clone();
        }
        let stem = hyphenated(&self.0, MAX - 1 - suffix.len());
        Self(format!("{stem}-{suffix}"))
    }

    /// Whether a part of an address has the characters and the length of a slug. What has not names nothing and is not
    /// looked up: PostgreSQL refuses a text with a NUL in it as a whole statement.
    pub fn is_shaped(text: &str) -> bool {
        (1..=MAX).contains(&text.len()) && text.bytes().all(is_plain)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Folds to `a-z0-9` with one hyphen for each stretch of anything else, none at the ends, at most `max` long.
fn hyphenated(text: &str, max: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' => folded.push(character),
            // Marks of decomposed letters, and apostrophes: "Bob's" is one word.
            '\u{300}'..='\u{36F}' | '\'' | '’' => {}
            other => folded.push_str(fold(other)),
        }
    }
    let mut slug = folded.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    slug.truncate(max);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// The usual ASCII spelling of a lower-case Latin letter; a hyphen for everything else.
const fn fold(letter: char) -> &'static str {
    match letter {
        'à'..='ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='õ' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'ö' | 'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
        'ü' => "ue",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỵ' | 'ỷ' | 'ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SlugOf::{Organization, Service, StatusPage};
    use proptest::prelude::*;

    fn named(name: &str, of: SlugOf) -> String {
        Slug::from_name(name, of).into_string()
    }

    #[test]
    fn names_become_slugs() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("  Acme,   Inc. ", "acme-inc"),
            ("Café Zoë", "cafe-zoe"),
            ("Cafe\u{301} Zürich", "cafe-zuerich"),
            ("Große Straße", "grosse-strasse"),
            ("Søn & Æble", "son-aeble"),
            ("Łódź İstanbul", "lodz-istanbul"),
            ("Nguyễn Đức", "nguyen-duc"),
            ("Bob's Pages", "bobs-pages"),
            ("a_b+c@d", "a-b-c-d"),
            ("日本", "team"),
            ("", "team"),
            ("!!!", "team"),
            ("X", "x-team"),
            ("API", "api-team"),
            ("Default", "default-team"),
        ] {
            assert_eq!(named(name, Organization), slug, "{name}");
        }
        assert_eq!(named("API", Service), "api");
        assert_eq!(named("DB", Service), "db-service");
        assert_eq!(named("History", StatusPage), "history-page");
        assert_eq!(named("статус", StatusPage), "page");
    }

    #[test]
    fn slugs_are_three_to_fifty_plain_characters() {
        // X1
        assert_eq!(Slug::parse(" acme-2 ", Organization).unwrap().as_str(), "acme-2");
        assert_eq!(Slug::parse("", Organization), Err(TextError::Empty));
        assert_eq!(Slug::parse("ab", Organization), Err(TextError::TooShort { min: 3 }));
        assert!(Slug::parse(&"a".repeat(50), Organization).is_ok());
        assert_eq!(Slug::parse(&"a".repeat(51), Organization), Err(TextError::TooLong { max: 50 }));
        for bad in ["Acme", "a_b_c", "-abc", "abc-", "a--b", "a b c", "äbc", "a.b.c", "abc/..", "xn--abc"] {
            assert_eq!(Slug::parse(bad, Organization), Err(TextError::SlugMalformed), "{bad}");
        }
    }

    #[test]
    fn only_plain_characters_have_the_shape_of_a_slug() {
        for shaped in ["a", "acme-2", "--", &"a".repeat(50)] {
            assert!(Slug::is_shaped(shaped), "{shaped}");
        }
        for other in ["", "\0", "acme\0", "Acme", "acme/x", "аcme", "a_b", &"a".repeat(51)] {
            assert!(!Slug::is_shaped(other), "{other:?}");
        }
    }

    #[test]
    fn reserved_words_and_uuids_are_no_slugs() {
        // X1 and X23
        for word in
            ["api", "login", "billing", "static", "www", "default", "incident", "healthz", "dashboard"]
        {
            assert_eq!(Slug::parse(word, Organization), Err(TextError::SlugReserved), "{word}");
        }
        for word in ["incident", "incidents", "maintenance", "history", "subscribe", "api", "badge", "embed"]
        {
            assert_eq!(Slug::parse(word, StatusPage), Err(TextError::SlugReserved), "{word}");
        }
        assert!(Slug::parse("incident", Service).is_ok());
        let uuid = "018f3c5a-7b1e-7c3d-9f00-0123456789ab";
        assert_eq!(Slug::parse(uuid, Organization), Err(TextError::SlugReserved));
    }

    #[test]
    fn a_suffix_fits_behind_the_longest_slug() {
        let long = Slug::from_name(&"a".repeat(80), Organization);
        let suffixed = long.with_suffix("k3x9");
        assert_eq!(suffixed.as_str().len(), 50);
        assert!(suffixed.as_str().ends_with("a-k3x9"));
        assert_eq!(Slug::from_name("Acme", Organization).with_suffix("K3!x9").as_str(), "acme-k3-x9");
        assert_eq!(Slug::from_name("Acme", Organization).with_suffix("").as_str(), "acme");
    }

    proptest! {
        #[test]
        fn every_name_yields_a_valid_slug(name in ".{0,80}|[a-zA-Z -]{0,60}", suffix in "[a-z0-9]{1,8}") {
            for of in [Organization, StatusPage, Service] {
                let slug = Slug::from_name(&name, of);
                prop_assert_eq!(Slug::parse(slug.as_str(), of), Ok(slug.clone()));
                let suffixed = slug.with_suffix(&suffix);
                prop_assert_eq!(Slug::parse(suffixed.as_str(), of), Ok(suffixed.clone()));
            }
        }
    }

    #[test]
    fn every_reserved_word_gives_way_to_a_valid_slug() {
        for of in [Organization, StatusPage] {
            for word in of.reserved() {
                let slug = Slug::from_name(word, of);
                assert_eq!(Slug::parse(slug.as_str(), of), Ok(slug));
            }
        }
    }
}
