//! New passwords: length and a list of what everybody tries first (X4). Checking a password at log-in is
//! not done here.

use std::fmt;

use super::{Email, TextError};

const MIN: usize = 10;
const MAX: usize = 256;

/// A password somebody chose. Never printed, logged or stored; only its hash is.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Taken as typed, spaces included.
    pub fn parse(text: &str, email: &Email) -> Result<Self, TextError> {
        let length = text.chars().count();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if length < MIN {
            return Err(TextError::TooShort { min: MIN });
        }
        if length > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        let lower = text.trim().to_lowercase();
        if lower == email.canonical() {
            return Err(TextError::PasswordIsEmail);
        }
        if is_common(&lower) {
            return Err(TextError::PasswordCommon);
        }
        Ok(Self(text.to_owned()))
    }

    /// For the hash function only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Of the most used passwords, those with ten or more characters; separated by white space.
const COMMON: &str = "\
    !qaz2wsx#edc 0987654321 1029384756 1122334455 1234512345 123456789a 123456789q 1234567890a
    1234567890q 1234554321 12345qwert 123qwe123qwe 123qweasdzxc 1a2b3c4d5e 1q2w3e4r5t 1q2w3e4r5t6y
    1q2w3e4r5t6y7u8i9o0p 1qaz!qaz2wsx 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc 3.1415926535 3141592653
    9876543210 abc123abc123 abcd123456 abcd1234abcd abcdefghij access14000 adminadmin admin12345
    adminpassword aa123456789 asdf1234asdf asdfasdfasdf asdfghjkl; asdfghjkl;' asdfjkl;asdfjkl;
    azertyuiop a123456789 basketball changemenow changemeplease correcthorsebatterystaple default123
    defaultpassword enterprise google1234 iloveyou123 iloveyousomuch iloveyou<3 indiestatus indie-status
    indiestatuspage jesuschrist klapaucius letmein123 letmeinnow letmeinplease liverpoolfc loveyou123
    manchester masterpassword michaeljackson mynameis123 mypassword myspace123 ncc1701d123 newpassword
    nopassword p455w0rd123 passpasspass passw0rd123 passwordpassword poiuytrewq p@$$w0rd123 p@ssw0rd123
    p@ssword123 pokemon123 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedcrfv qazwsxedcrfvtgb qwe123qwe123
    qweasdzxc123 qweqweqwe123 qwer1234qwer qwerqwerqwer qwert12345 qwertz12345 qwerty12345 qwerty123456
    qwertyqwerty qwertyuiop qwertyuiop[] qwertyuiopasdfghjkl qwertzuiop realmadrid rootpassword
    secretpassword skateboard snickers123 spiderman123 starwars123 statuspage superman123 supersecret
    temppassword testpassword testtesttest thepassword thisisapassword trustno1trustno1 unbelievable
    userpassword volleyball whateverwhatever yourpassword zaq12wsxcde3 zaq1zaq1zaq1 zxcvbnm,./
    zxcvbnm123 zxcvbnmasdfghjkl";

/// Words that do not get better with a year or an exclamation mark behind them.
const COMMON_STEMS: &str = "\
    abc abcd admin administrator asdf asdfgh asdfghjkl autumn azerty baseball changeme default dragon
    football guest hallo hello iloveyou letmein login master monkey motdepasse p@ssw0rd p@ssword
    pa$$word pass passw0rd passwd password passwort princess qwer qwert qwerty qwertyuiop qwertz root
    sample secret senha spring summer sunshine superman temp test tester testing user welcome winter
    zxcvbn zxcvbnm";

fn is_common(lower: &str) -> bool {
    let joined: String = lower.split_whitespace().collect();
    let stem = joined.trim_end_matches(|character: char| !character.is_alphabetic());
    COMMON.split_whitespace().any(|word| word == joined)
        || COMMON_STEMS.split_whitespace().any(|word| word == stem)
        || is_repetitive(&joined)
        || is_sequence(&joined)
}

/// Two different characters at most: `aaaaaaaaaa`, `1212121212`.
fn is_repetitive(text: &str) -> bool {
    let mut seen: Vec<char> = text.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() <= 2
}

/// Each character follows the one before, up or down; after 9 comes 0: `1234567890`, `zyxwvutsrq`.
fn is_sequence(text: &str) -> bool {
    let follows = |earlier: char, later: char| {
        u32::from(earlier) + 1 == u32::from(later) || (earlier, later) == ('9', '0')
    };
    let pairs = || text.chars().zip(text.chars().skip(1));
    pairs().all(|(earlier, later)| follows(earlier, later))
        || pairs().all(|(earlier, later)| follows(later, earlier))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, TextError> {
        Password::parse(text, &Email::parse("Alice@Example.org").unwrap())
    }

    #[test]
    fn ten_to_two_hundred_fifty_six_characters_are_taken_as_typed() {
        // X4
        assert_eq!(parse(""), Err(TextError::Empty));
        assert_eq!(parse("kühlschra"), Err(TextError::TooShort { min: 10 }));
        assert_eq!(parse(" kühl schrank ").unwrap().expose(), " kühl schrank ");
        assert!(parse(&"Tür7".repeat(64)).is_ok());
        assert_eq!(parse(&format!("{}x", "Tür7".repeat(64))), Err(TextError::TooLong { max: 256 }));
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for common in [
            "1234567890",
            "0123456789",
            "9876543210",
            "aaaaaaaaaa",
            "1212121212",
            "abcdefghijkl",
            "qwertyuiop",
            "Password123",
            "PASSWORD2026!",
            "password!!!",
            "P@ssw0rd2025",
            "Welcome12345",
            "Iloveyou123",
            "admin123456",
            "letmein!!!",
            "correct horse battery staple",
            " Qwertyuiop ",
            "passwort1234",
            "1q2w3e4r5t",
            "IndieStatus",
        ] {
            assert_eq!(parse(common), Err(TextError::PasswordCommon), "{common}");
        }
        for fine in ["tangerine-lamp-97", "password of my aunt", "Yh7$kQ02-zz", "1234567890-tulip"] {
            assert!(parse(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn the_own_address_is_no_password() {
        assert_eq!(parse("alice@example.org"), Err(TextError::PasswordIsEmail));
        assert_eq!(parse(" ALICE@example.ORG "), Err(TextError::PasswordIsEmail));
    }

    #[test]
    fn a_password_is_never_printed() {
        let password = parse("tangerine-lamp-97").unwrap();
        assert!(!format!("{password:?}").contains("tangerine"));
    }

    #[test]
    fn every_listed_password_is_long_enough_to_matter_and_in_lower_case() {
        for word in COMMON.split_whitespace() {
            assert!(word.chars().count() >= MIN, "{word} is refused for its length already");
            assert_eq!(word, word.to_lowercase());
        }
        assert_eq!(COMMON_STEMS, COMMON_STEMS.to_lowercase());
    }
}
