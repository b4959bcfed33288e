//! The names of all options, and the guess at what a misspelt one was meant to be.

/// Every option, in the order of `config.example.toml`. A key without a dot stands at the top of the file.
pub const OPTIONS: &[&str] = &[
    "public_url",
    "mode",
    "data_dir",
    "server.listen",
    "server.admin_listen",
    "server.trusted_proxies",
    "server.connections",
    "database.url",
    "database.url_file",
    "database.connections",
    "secrets.key",
    "secrets.key_file",
    "mail.url",
    "mail.password",
    "mail.password_file",
    "mail.from",
    "egress.allow_cidrs",
    "egress.per_host_concurrency",
    "egress.per_host_per_second",
    "egress.allow_own",
    "egress.contact_url",
    "egress.rdap_url",
    "checks.concurrency",
    "checks.confirm_after_seconds",
    "checks.anchors",
    "plans.enforce",
    "registration.open",
    "limits.public_page_per_minute",
    "limits.register_per_hour",
    "limits.login_per_hour",
    "limits.subscribe_per_hour",
    "limits.api_per_minute",
    "retention.raw_days",
    "retention.rollup_days",
    "stripe.webhook_secret",
    "stripe.webhook_secret_file",
    "stripe.pro_checkout_url",
    "stripe.team_checkout_url",
    "log.format",
    "log.level",
];

/// What to do instead, for names that people bring along and that no spelling explains.
const MOVED: &[(&str, &str)] = &[
    ("server.base_path", "put the path into public_url, as in https://example.com/status"),
    ("base_path", "put the path into public_url, as in https://example.com/status"),
    ("admin_api_key", "remove it, because accounts and API keys have replaced it"),
    ("secret_key", "write key in the section [secrets]"),
    ("port", "write the address and the port as server.listen, such as 127.0.0.1:8765"),
    ("server.port", "write the address and the port as server.listen, such as 127.0.0.1:8765"),
];

pub(super) const ENV_PREFIX: &str = "INDIE_STATUS_";

/// The key as it stands in [`OPTIONS`].
pub(super) fn known(key: &str) -> Option<&'static str> {
    OPTIONS.iter().copied().find(|option| *option == key)
}

pub(super) fn moved(key: &str) -> Option<&'static str> {
    MOVED.iter().find(|(old, _)| *old == key).map(|(_, advice)| *advice)
}

pub(super) fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

/// `INDIE_STATUS_SERVER__LISTEN` for `server.listen`.
pub(super) fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The option that sets the same secret by naming a file.
pub(super) fn file_variant(key: &str) -> Option<&'static str> {
    known(&format!("{key}_file"))
}

/// The option that a `*_file` option stands for.
pub(super) fn direct_variant(key: &str) -> Option<&'static str> {
    key.strip_suffix("_file").and_then(known)
}

/// Whether the value may contain a password and must not be repeated in a message.
pub(super) fn is_private(key: &str) -> bool {
    key == "mail.url" || file_variant(key).is_some()
}

pub(super) fn nearest_option(key: &str) -> &'static str {
    OPTIONS.iter().copied().min_by_key(|option| distance_of_keys(key, option)).unwrap_or_default()
}

pub(super) fn nearest_section(name: &str) -> &'static str {
    sections().min_by_key(|section| distance(name, section)).unwrap_or_default()
}

fn sections() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().filter_map(|option| option.split_once('.').map(|(section, _)| section))
}

/// A right name in a wrong section counts as one mistake.
fn distance_of_keys(left: &str, right: &str) -> usize {
    let (left_name, right_name) = (last_part(left), last_part(right));
    distance(left, right).min(distance(left_name, right_name).saturating_add(1))
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Levenshtein distance: inserted, deleted and replaced characters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, a) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(line + 1);
        for ((b, diagonal), above) in right.chars().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_insertions_deletions_and_replacements() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("listen", "listen", 0),
            ("lisen", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_misspelt_or_misplaced_option_finds_the_one_that_was_meant() {
        for (written, meant) in [
            ("server.lisen", "server.listen"),
            ("listen", "server.listen"),
            ("server_listen", "server.listen"),
            ("stripe.public_url", "public_url"),
            ("limits.logins_per_hour", "limits.login_per_hour"),
            ("database_url", "database.url"),
            ("egress.allow_cidr", "egress.allow_cidrs"),
        ] {
            assert_eq!(nearest_option(written), meant, "{written}");
        }
        assert_eq!(nearest_section("servers"), "server");
    }
}
