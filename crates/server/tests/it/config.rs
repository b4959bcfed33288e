//! How a configuration comes together: layers, aliases, secrets, what is shown, and the example file (D2, D7, D14).

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use server::config::{Config, Flag, Loaded, LogFormat, LogLevel, Mode, OPTIONS, SecretsConfig, Sources, Tls};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const WEBHOOK_SECRET: &str = "whsec_0123456789abcdef0123456789abcdef";
const EXAMPLE: &str = include_str!("../../../../config.example.toml");

fn sources(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
) -> Sources {
    Sources {
        file: Some((PathBuf::from("c.toml"), file.to_owned())),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        flags: flags.iter().map(|&(name, key, value)| Flag { name, key, value: value.to_owned() }).collect(),
    }
}

fn loaded(file: &str, environment: &[(&str, &str)]) -> Loaded {
    Config::load(sources(file, environment, &[])).unwrap()
}

fn config(file: &str, environment: &[(&str, &str)]) -> Config {
    loaded(file, environment).config
}

#[test]
fn nothing_at_all_is_the_default_and_gives_no_warning() {
    let Loaded { config, warnings } = Config::load(Sources::default()).unwrap();
    assert_eq!(config, Config::default());
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(config.database.url.expose(), "sqlite://data/indie-status.db");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8765");
    assert_eq!(config.public_url.as_str(), "http://localhost:8765");
    assert_eq!(config.contact_url(), "http://localhost:8765");
    assert_eq!(config.mail_dir(), Path::new("data/mail"));
    assert!(config.plans.enforce && config.registration.open && config.secrets.key.is_none());
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let file = "[server]\nlisten = '127.0.0.1:1'";
    let variable = [("INDIE_STATUS_SERVER__LISTEN", "127.0.0.1:2")];
    let port = |sources| Config::load(sources).unwrap().config.server.listen.port();
    assert_eq!(port(sources(file, &[], &[])), 1);
    assert_eq!(port(sources(file, &variable, &[])), 2);
    assert_eq!(port(sources(file, &variable, &[("--listen", "server.listen", "127.0.0.1:3")])), 3);
}

#[test]
fn every_kind_of_value_is_read_from_file_and_environment_alike() {
    let file = "mode = 'self_hosted'\n[server]\ntrusted_proxies = ['10.0.0.0/8', '::1']\n[checks]\nconcurrency = 7\n\
                confirm_after_seconds = 0\nanchors = ['192.0.2.1:53', '[2001:db8::1]:443']\n\
                [registration]\nopen = false\n[log]\nformat = 'json'\nlevel = 'debug'\n[egress]\nallow_cidrs = []";
    let environment = [
        ("INDIE_STATUS_MODE", "self_hosted"),
        ("INDIE_STATUS_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("INDIE_STATUS_CHECKS__CONCURRENCY", "7"),
        ("INDIE_STATUS_CHECKS__CONFIRM_AFTER_SECONDS", "0"),
        ("INDIE_STATUS_CHECKS__ANCHORS", "192.0.2.1:53, [2001:db8::1]:443"),
        ("INDIE_STATUS_REGISTRATION__OPEN", "false"),
        ("INDIE_STATUS_LOG__FORMAT", "json"),
        ("INDIE_STATUS_LOG__LEVEL", "debug"),
        ("INDIE_STATUS_EGRESS__ALLOW_CIDRS", ""),
    ];
    let config = config(file, &[]);
    assert_eq!(config, self::config("", &environment));
    assert_eq!(
        (config.mode, config.checks.concurrency, config.registration.open),
        (Mode::SelfHosted, 7, false)
    );
    let anchors: Vec<String> = config.checks.anchors.iter().map(ToString::to_string).collect();
    assert_eq!(anchors, ["192.0.2.1:53", "[2001:db8::1]:443"]);
    assert_eq!(config.checks.confirm_after_seconds, 0);
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, LogLevel::Debug));
    let proxies: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
}

// D14
#[test]
fn an_empty_list_in_the_environment_empties_the_list_of_the_file() {
    let file = "[egress]\nallow_cidrs = ['127.0.0.0/8']";
    assert_eq!(config(file, &[]).egress.allow_cidrs.len(), 1);
    assert!(config(file, &[("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "")]).egress.allow_cidrs.is_empty());
    let two =
        config("", &[("INDIE_STATUS_EGRESS__ALLOW_CIDRS", "127.0.0.0/8,10.1.2.3/8")]).egress.allow_cidrs;
    assert_eq!(two.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.0/8", "10.0.0.0/8"]);
}

// D7
#[test]
fn a_self_hosted_product_does_not_enforce_plans_unless_told_to() {
    assert!(!config("mode = 'self_hosted'", &[]).plans.enforce);
    assert!(config("mode = 'self_hosted'\nplans.enforce = true", &[]).plans.enforce);
    assert!(!config("plans.enforce = false", &[]).plans.enforce);
}

#[test]
fn the_database_follows_the_data_directory_and_the_public_url_the_port() {
    let config = config("data_dir = '/var/lib/indie-status'\nserver.listen = '127.0.0.1:9000'", &[]);
    assert_eq!(config.database.url.expose(), "sqlite:///var/lib/indie-status/indie-status.db");
    assert_eq!(config.database.url.sqlite_path(), Some(Path::new("/var/lib/indie-status/indie-status.db")));
    assert_eq!(config.public_url.as_str(), "http://localhost:9000");
}

#[test]
fn the_public_url_gives_prefix_host_and_scheme() {
    for (written, as_str, base_path, host, is_https, is_loopback) in [
        ("https://example.com", "https://example.com", "", "example.com", true, false),
        ("https://example.com/", "https://example.com", "", "example.com", true, false),
        ("https://example.com/status/", "https://example.com/status", "/status", "example.com", true, false),
        ("http://127.0.0.1:8765/a/b", "http://127.0.0.1:8765/a/b", "/a/b", "127.0.0.1", false, true),
        ("http://[::1]:8765", "http://[::1]:8765", "", "::1", false, true),
        ("http://app.localhost", "http://app.localhost", "", "app.localhost", false, true),
    ] {
        let url = config(&format!("public_url = '{written}'"), &[]).public_url;
        assert_eq!((url.as_str(), url.base_path(), url.host()), (as_str, base_path, host), "{written}");
        assert_eq!((url.is_https(), url.is_loopback()), (is_https, is_loopback), "{written}");
    }
}

#[test]
fn the_names_of_the_plan_are_understood_with_a_warning() {
    let environment = [
        ("DATABASE_URL", "postgresql+asyncpg://app:pw@db/status"),
        ("SECRET_KEY", KEY),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("STRIPE_PRO_CHECKOUT_URL", "https://buy.stripe.com/pro"),
        ("STRIPE_TEAM_CHECKOUT_URL", "https://buy.stripe.com/team"),
        ("SMTP_HOST", "smtp.example.com"),
        ("SMTP_PORT", "465"),
        ("SMTP_USER", "alice@example.com"),
        ("SMTP_PASSWORD", "pw"),
        ("SMTP_FROM", "Example <status@example.com>"),
        ("ADMIN_API_KEY", "abc"),
    ];
    let Loaded { config, warnings } = loaded("", &environment);
    assert_eq!(config.database.url.expose(), "postgres://app:pw@db/status");
    assert_eq!(config.secrets.key.unwrap().bytes(), KEY.as_bytes());
    assert_eq!(config.stripe.webhook_secret.unwrap().expose(), WEBHOOK_SECRET);
    assert_eq!(config.stripe.pro_checkout_url.as_deref(), Some("https://buy.stripe.com/pro"));
    assert_eq!(config.stripe.team_checkout_url.as_deref(), Some("https://buy.stripe.com/team"));
    let smtp = config.mail.url.unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("smtp.example.com", 465, Tls::Implicit));
    assert_eq!(smtp.user.as_deref(), Some("alice@example.com"));
    assert_eq!(config.mail.password.unwrap().expose(), "pw");
    assert_eq!(config.mail.from.as_deref(), Some("Example <status@example.com>"));
    let expected = [
        "ADMIN_API_KEY has no effect, because accounts and API keys have replaced it: remove it.",
        "DATABASE_URL is read as database.url: write INDIE_STATUS_DATABASE__URL instead.",
        "SMTP_FROM is read as mail.from: write INDIE_STATUS_MAIL__FROM instead.",
        "SMTP_PASSWORD is read as mail.password: write INDIE_STATUS_MAIL__PASSWORD instead.",
        "SMTP_USER with SMTP_HOST is read as mail.url: write INDIE_STATUS_MAIL__URL instead.",
        "SECRET_KEY is read as secrets.key: write INDIE_STATUS_SECRETS__KEY instead.",
        "STRIPE_PRO_CHECKOUT_URL is read as stripe.pro_checkout_url: write INDIE_STATUS_STRIPE__PRO_CHECKOUT_URL instead.",
        "STRIPE_TEAM_CHECKOUT_URL is read as stripe.team_checkout_url: write INDIE_STATUS_STRIPE__TEAM_CHECKOUT_URL instead.",
        "STRIPE_WEBHOOK_SECRET is read as stripe.webhook_secret: write INDIE_STATUS_STRIPE__WEBHOOK_SECRET instead.",
    ];
    assert_eq!(warnings.iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(expected));
}

#[test]
fn our_own_variable_wins_over_an_alias_which_wins_over_the_file() {
    let file = "database.url = 'sqlite://file.db'";
    let alias = ("DATABASE_URL", "sqlite://alias.db");
    let own = ("INDIE_STATUS_DATABASE__URL", "sqlite://own.db");
    assert_eq!(config(file, &[alias]).database.url.expose(), "sqlite://alias.db");
    let Loaded { config, warnings } = loaded(file, &[alias, own]);
    assert_eq!(config.database.url.expose(), "sqlite://own.db");
    assert_eq!(warnings, ["DATABASE_URL is ignored because INDIE_STATUS_DATABASE__URL is set."]);
    let smtp = [
        ("SMTP_USER", "alice"),
        ("INDIE_STATUS_MAIL__URL", "smtp://localhost"),
        ("SMTP_FROM", "a@example.com"),
    ];
    assert!(
        loaded("", &smtp)
            .warnings
            .contains(&"SMTP_USER is ignored because INDIE_STATUS_MAIL__URL is set.".to_owned())
    );
}

#[test]
fn an_empty_alias_counts_as_absent() {
    let empty =
        [("DATABASE_URL", ""), ("SMTP_HOST", ""), ("SMTP_PASSWORD", ""), ("STRIPE_WEBHOOK_SECRET", "")];
    assert_eq!(loaded("", &empty), Config::load(Sources::default()).unwrap());
}

#[test]
fn variables_of_other_programs_and_of_kubernetes_are_left_alone() {
    let foreign = [
        ("PATH", "/bin"),
        ("INDIE_STATUS", "x"),
        ("INDIE_STATUS_CONFIG", "c.toml"),
        ("INDIE_STATUS_SERVICE_HOST", "10.0.0.1"),
        ("INDIE_STATUS_SERVICE_PORT_HTTP", "8765"),
        ("INDIE_STATUS_PORT", "tcp://10.0.0.1:8765"),
        ("INDIE_STATUS_PORT_8765_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(loaded("", &foreign), Config::load(Sources::default()).unwrap());
}

#[test]
fn a_secret_can_stand_in_a_file_and_a_higher_layer_replaces_either_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("{KEY}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let path = path.to_str().unwrap();
    let key = |config: Config| config.secrets.key.unwrap().bytes().to_vec();
    let file = format!("secrets.key_file = '{path}'");
    let other = "fedcba9876543210fedcba9876543210";
    assert_eq!(key(config(&file, &[])), KEY.as_bytes());
    assert_eq!(key(config(&file, &[("INDIE_STATUS_SECRETS__KEY", other)])), other.as_bytes());
    let direct = format!("secrets.key = '{other}'");
    assert_eq!(key(config(&direct, &[("INDIE_STATUS_SECRETS__KEY_FILE", path)])), KEY.as_bytes());
    assert_eq!(key(config(&direct, &[("SECRET_KEY_FILE", path)])), KEY.as_bytes());
}

#[test]
fn a_mail_password_that_every_user_can_read_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smtp");
    fs::write(&path, "pw\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let file = format!(
        "[mail]\nurl = 'smtps://alice@smtp.example.com'\nfrom = 'a@example.com'\npassword_file = '{}'",
        path.display()
    );
    let Loaded { config, warnings } = loaded(&file, &[]);
    assert_eq!(config.mail.password.unwrap().expose(), "pw");
    assert_eq!(
        warnings,
        [format!("{} is readable by every user of this machine: run chmod 600 on it.", path.display())]
    );
}

#[test]
fn mail_is_encrypted_unless_the_server_is_this_machine_or_the_operator_says_so() {
    let smtp =
        |url: &str| config(&format!("[mail]\nurl = '{url}'\nfrom = 'a@example.com'"), &[]).mail.url.unwrap();
    for (written, tls, port, shown) in [
        ("smtps://smtp.example.com", Tls::Implicit, 465, "smtps://smtp.example.com:465"),
        ("smtp://smtp.example.com", Tls::Required, 587, "smtp://smtp.example.com:587"),
        ("smtp://smtp.example.com:25?tls=none", Tls::Off, 25, "smtp://smtp.example.com:25?tls=none"),
        ("smtp://localhost:1025", Tls::Off, 1025, "smtp://localhost:1025?tls=none"),
        ("smtp://127.0.0.1", Tls::Off, 25, "smtp://127.0.0.1:25?tls=none"),
        ("smtp://[::1]?tls=required", Tls::Required, 587, "smtp://[::1]:587?tls=required"),
    ] {
        let url = smtp(written);
        assert_eq!((url.tls, url.port, url.to_string().as_str()), (tls, port, shown), "{written}");
        assert_eq!(smtp(shown), url, "{written}");
    }
}

#[test]
fn a_login_in_the_mail_url_is_decoded_and_kept_apart() {
    let mail = config(
        "[mail]\nurl = 'smtps://alice%40example.com:p%3Aw@smtp.example.com'\nfrom = 'a@example.com'",
        &[],
    )
    .mail;
    assert_eq!(mail.password.unwrap().expose(), "p:w");
    let url = mail.url.unwrap();
    assert_eq!(url.user.as_deref(), Some("alice@example.com"));
    assert_eq!(url.to_string(), "smtps://alice%40example.com@smtp.example.com:465");
}

#[test]
fn the_sender_is_an_address_at_the_public_host_unless_written() {
    let sender = |file: &str| {
        let config = config(file, &[]);
        config.mail.sender(&config.public_url)
    };
    assert_eq!(sender("public_url = 'https://example.com'"), "Indie Status Page <status@example.com>");
    assert_eq!(sender("public_url = 'http://127.0.0.1:8765'"), "Indie Status Page <status@localhost>");
    assert_eq!(sender("mail.from = 'Example <a@example.com>'"), "Example <a@example.com>");
}

#[test]
fn risky_settings_are_warnings() {
    let warnings = |file: &str| loaded(file, &[]).warnings;
    assert_eq!(
        warnings("public_url = 'http://example.com'"),
        [
            "public_url is http://example.com, so passwords and sessions travel unencrypted: write an https:// address."
        ]
    );
    assert!(warnings("public_url = 'http://example.com'\nmode = 'self_hosted'").is_empty());
    assert!(warnings("public_url = 'http://localhost:8765'").is_empty());
    assert!(warnings("public_url = 'https://example.com'\nserver.listen = '0.0.0.0:80'").is_empty());
    for (file, beginning) in [
        (
            "server.listen = '0.0.0.0:8080'",
            "public_url is not set, so links in pages and mails lead to http://localhost:8080",
        ),
        ("egress.allow_cidrs = ['0.0.0.0/0']", "egress.allow_cidrs allows every address"),
        (
            "[mail]\nurl = 'smtp://mail.lan?tls=none'\nfrom = 'a@example.com'",
            "mail.url is smtp://mail.lan:25?tls=none, so mail travels",
        ),
        (
            "mode = 'self_hosted'\nstripe.pro_checkout_url = 'https://buy.stripe.com/a'",
            "The section [stripe] is ignored",
        ),
    ] {
        let all = warnings(file);
        assert!(all.len() == 1 && all[0].starts_with(beginning), "{file}: {all:?}");
    }
}

fn config_with_secrets() -> Config {
    let environment = [
        ("INDIE_STATUS_SECRETS__KEY", KEY),
        (
            "INDIE_STATUS_DATABASE__URL",
            "postgres://app:hunter2@db:5432/status?sslmode=require&sslpassword=hunter2",
        ),
        ("INDIE_STATUS_MAIL__URL", "smtps://alice:hunter2@smtp.example.com"),
        ("INDIE_STATUS_MAIL__FROM", "a@example.com"),
        ("INDIE_STATUS_STRIPE__WEBHOOK_SECRET", WEBHOOK_SECRET),
    ];
    config("", &environment)
}

// T-10
#[test]
fn no_form_of_printing_shows_a_secret() {
    let config = config_with_secrets();
    let forms = [
        format!("{config:?}"),
        format!("{config:#?}"),
        config.to_toml().unwrap(),
        serde_json::to_string(&config).unwrap(),
    ];
    for form in forms {
        for secret in ["hunter2", KEY, WEBHOOK_SECRET] {
            assert!(!form.contains(secret), "{form}");
        }
        assert!(
            form.contains("postgres://app:[redacted]@db:5432/status?sslmode=require&sslpassword=[redacted]"),
            "{form}"
        );
    }
}

#[test]
fn the_shown_configuration_has_the_form_of_the_file() {
    let shown = config_with_secrets().to_toml().unwrap();
    for line in [
        "[secrets]\nkey = \"[redacted]\"",
        "password = \"[redacted]\"",
        "webhook_secret = \"[redacted]\"",
        "listen = \"127.0.0.1:8765\"",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    let plain = config(
        "mode = 'self_hosted'\nserver.trusted_proxies = ['10.0.0.0/8']\npublic_url = 'https://example.com/status'",
        &[],
    );
    assert_eq!(config(&plain.to_toml().unwrap(), &[]), plain);
}

/// The example with every line that shows a default made active.
fn active_example() -> String {
    let is_default = |line: &&str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let lines =
        EXAMPLE.lines().map(|line| if is_default(&line) { line.trim_start_matches('#') } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_shows_the_defaults() {
    for text in [EXAMPLE, active_example().as_str()] {
        assert_eq!(config(text, &[]), Config::default());
    }
}

#[test]
fn the_example_mentions_every_option_in_its_section_once() {
    let mut section = String::new();
    let mut mentioned = Vec::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, _)) =
            line.strip_prefix('#').and_then(|rest| rest.trim_start().split_once(" = "))
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            mentioned.push(format!("{section}{name}"));
        }
    }
    assert_eq!(mentioned, OPTIONS);
}

// D2
#[test]
fn the_first_start_creates_a_key_that_only_its_owner_can_read_and_later_starts_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("deep/data");
    let secrets = SecretsConfig::default();
    let key = secrets.load_or_create_key(&data_dir).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir.join("secret.key")), 0o600);
    assert_eq!(mode(&data_dir), 0o700);
    assert_eq!(key.bytes().len(), 64);
    assert_eq!(secrets.load_or_create_key(&data_dir).unwrap(), key);
    assert_ne!(secrets.load_or_create_key(&folder.path().join("other")).unwrap(), key);
    let names: Vec<_> = fs::read_dir(&data_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["secret.key"]);
}

#[test]
fn a_configured_key_is_used_and_none_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("", &[("INDIE_STATUS_SECRETS__KEY", KEY)]);
    assert_eq!(config.secrets.load_or_create_key(folder.path()).unwrap().bytes(), KEY.as_bytes());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn processes_that_start_together_share_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let start = || SecretsConfig::default().load_or_create_key(folder.path()).unwrap().bytes().to_vec();
    let keys: BTreeSet<Vec<u8>> = thread::scope(|scope| {
        let starters: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert_eq!(keys.len(), 1);
}

#[test]
fn a_key_that_is_open_damaged_or_out_of_reach_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    let refusal =
        |data_dir: &Path| SecretsConfig::default().load_or_create_key(data_dir).unwrap_err().to_string();
    let with = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        refusal(folder.path()).replace(path.to_str().unwrap(), "PATH")
    };
    assert_eq!(
        with(KEY, 0o644),
        "PATH can be read or changed by other users of this machine: run chmod 600 on it."
    );
    let advice = "put its backup back, or remove it to get a new one, which ends every session.";
    assert_eq!(with("", 0o600), format!("PATH is empty: {advice}"));
    assert_eq!(with("0123456789", 0o600), format!("PATH is shorter than 32 bytes: {advice}"));
    let below_a_file = path.join("data");
    assert!(
        refusal(&below_a_file).contains("cannot be created (Not a directory"),
        "{}",
        refusal(&below_a_file)
    );
}
