//! What to call the organization of somebody who gave nothing but an address.

use domain::text::Email;

/// Domains whose mail boxes belong to everybody.
const PROVIDERS: &str = "\
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com
    mac.com aol.com proton.me protonmail.com pm.me gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de
    freenet.de mail.com mail.ru yandex.ru yandex.com zoho.com fastmail.com hey.com tutanota.com tuta.io
    posteo.de mailbox.org orange.fr free.fr laposte.net libero.it uol.com.br qq.com 163.com 126.com naver.com
    comcast.net verizon.net att.net btinternet.com";

/// Second levels under which names are given out, as in `example.co.uk`.
const SHARED_LEVELS: [&str; 7] = ["ac", "co", "com", "edu", "gov", "net", "org"];

/// `Acme` for `alice@acme.dev`, `Alice Smith` for `alice.smith@gmail.com`.
pub(super) fn derive(email: &Email) -> String {
    let (local, domain) = email.canonical().split_once('@').unwrap_or_default();
    let is_provider = PROVIDERS.split_whitespace().any(|provider| provider == domain)
        || domain.starts_with("yahoo.")
        || domain.starts_with("hotmail.");
    let label = own_label(domain).filter(|label| !is_provider && !label.starts_with("xn--"));
    let words = label.unwrap_or_else(|| local.split('+').next().unwrap_or_default());
    let name = words
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(capitalised)
        .collect::<Vec<_>>()
        .join(" ");
    if name.is_empty() { "My organization".to_owned() } else { name }
}

/// The label somebody registered: `acme` of `mail.acme.dev` and of `acme.co.uk`.
fn own_label(domain: &str) -> Option<&str> {
    let mut labels = domain.rsplit('.');
    let top = labels.next()?;
    let second = labels.next()?;
    match labels.next() {
        Some(third) if top.len() == 2 && SHARED_LEVELS.contains(&second) => Some(third),
        _ => Some(second),
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_of_ones_own_names_the_organization_and_a_shared_one_does_not() {
        for (address, name) in [
            ("alice@acme.dev", "Acme"),
            ("alice@mail.acme.dev", "Acme"),
            ("bob@acme-labs.co.uk", "Acme Labs"),
            ("bob@example.com.br", "Example"),
            ("Alice.Smith@gmail.com", "Alice Smith"),
            ("charlie+status@gmx.de", "Charlie"),
            ("charlie@yahoo.co.uk", "Charlie"),
            ("bob@bücher.example", "Bob"),
            ("+@gmail.com", "My organization"),
        ] {
            assert_eq!(derive(&Email::parse(address).unwrap()), name, "{address}");
        }
    }
}
