//! Bad files and environments, each with the sentence that refuses it.

/// A file, and the sentence that it is refused with.
pub(crate) const FILES: &[(&str, &str)] = &[
    (
        "public_url = 'https://example.com",
        "c.toml is not valid TOML at line 1 (invalid literal string, expected `'`): write name = value, with texts in \"quotes\".",
    ),
    ("colour = 'blue'", "colour in c.toml is not an option: write mode or remove it."),
    (
        "server.lisen = '127.0.0.1:80'",
        "server.lisen in c.toml is not an option: write server.listen or remove it.",
    ),
    (
        "[server]\nbase_path = '/status'",
        "server.base_path in c.toml is not an option: put the path into public_url, as in https://example.com/status.",
    ),
    (
        "[servers]\nlisten = '127.0.0.1:80'",
        "[servers] in c.toml is not a section: write [server] or remove it.",
    ),
    ("server = 8765", "server in c.toml is a section, not an option: write [server]."),
    (
        "[stripe]\npublic_url = 'https://example.com'",
        "stripe.public_url in c.toml is not an option: write public_url or remove it.",
    ),
    (
        "admin_api_key = 'abc'",
        "admin_api_key in c.toml is not an option: remove it, because accounts and API keys have replaced it.",
    ),
    (
        "public_url = ''",
        "public_url in c.toml is \"\": write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 'status.example.com'",
        "public_url in c.toml is \"status.example.com\": write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 'https://example.com/?a=b'",
        "public_url in c.toml is \"https://example.com/?a=b\": write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 'https://alice:hunter2@example.com'",
        "public_url in c.toml cannot be used: write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 'http://0.0.0.0:8765'",
        "public_url in c.toml is \"http://0.0.0.0:8765\": write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 'https://example.com/a//b'",
        "public_url in c.toml is \"https://example.com/a//b\": write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        "public_url = 8765",
        "public_url in c.toml is 8765: write an address that visitors can open, such as https://status.example.com or https://example.com/status, in quotes.",
    ),
    ("mode = 'selfhosted'", "mode in c.toml is \"selfhosted\": write \"saas\" or \"self_hosted\"."),
    ("data_dir = ''", "data_dir in c.toml is \"\": write the path of a folder."),
    (
        "[server]\nlisten = 'localhost'",
        "server.listen in c.toml is \"localhost\": write an address and a port such as 127.0.0.1:8765.",
    ),
    (
        "[server]\nlisten = 8765",
        "server.listen in c.toml is 8765: write an address and a port such as 127.0.0.1:8765, in quotes.",
    ),
    (
        "[server]\ntrusted_proxies = ['10.0.0.0/33']",
        "server.trusted_proxies in c.toml is [\"10.0.0.0/33\"]: write a list of networks such as [\"127.0.0.1/32\"], or 127.0.0.1/32 in the environment.",
    ),
    (
        "[server]\ntrusted_proxies = '10.0.0.0/8'",
        "server.trusted_proxies in c.toml is \"10.0.0.0/8\": write a list of networks such as [\"127.0.0.1/32\"], or 127.0.0.1/32 in the environment.",
    ),
    (
        "[server]\ntrusted_proxies = ['0.0.0.0/0']",
        "server.trusted_proxies in c.toml trusts every address, so that any visitor could claim to be another: write only the networks of your proxies.",
    ),
    (
        "[server]\nadmin_listen = '8766'",
        "server.admin_listen in c.toml is \"8766\": write an address and a port such as 127.0.0.1:8766.",
    ),
    (
        "[server]\nadmin_listen = '127.0.0.1:8765'",
        "server.admin_listen in c.toml is the same as server.listen, so that everybody could read what is for operators: write another port.",
    ),
    (
        "[server]\nconnections = 0",
        "server.connections in c.toml is 0: write a whole number from 1 to 1000000, without quotes.",
    ),
    (
        "[database]\nurl = 'mysql://localhost/x'",
        "database.url in c.toml cannot be used: write sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded.",
    ),
    (
        "[database]\nurl = ''",
        "database.url in c.toml cannot be used: write sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded.",
    ),
    (
        "[database]\nurl = 'sqlite::memory:'",
        "database.url in c.toml would lose everything at the end of the process: write the path of a file, sqlite://data/indie-status.db.",
    ),
    (
        "[database]\nurl = 'sqlite://data/'",
        "database.url in c.toml names no file: write the path of a file without parameters, sqlite://data/indie-status.db.",
    ),
    (
        "[database]\nurl = 'sqlite://x.db?mode=ro'",
        "database.url in c.toml names no file: write the path of a file without parameters, sqlite://data/indie-status.db.",
    ),
    (
        "[database]\nurl = 'sqlite+aiosqlite:///./statuspage.db'",
        "database.url in c.toml is written for another program: write sqlite://path or sqlite:///absolute/path.",
    ),
    (
        "[database]\nurl = 'sqlite:///./statuspage.db'",
        "database.url in c.toml is written for another program: write sqlite://path or sqlite:///absolute/path.",
    ),
    (
        "[database]\nurl = 'postgres://localhost'",
        "database.url in c.toml cannot be used: write sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded.",
    ),
    (
        "[database]\nurl = 'postgres://app:pa#ss@localhost/status'",
        "database.url in c.toml cannot be used: write sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded.",
    ),
    (
        "[database]\nconnections = '10'",
        "database.connections in c.toml is \"10\": write a whole number from 1 to 1000, without quotes.",
    ),
    ("[secrets]\nkey = ''", "secrets.key in c.toml is empty: write the output of `openssl rand -hex 32`."),
    (
        "[secrets]\nkey = 'changeme'",
        "secrets.key in c.toml is a placeholder that everybody knows: write the output of `openssl rand -hex 32`.",
    ),
    (
        "[secrets]\nkey = 'your-secret-key-change-in-production-please'",
        "secrets.key in c.toml is a placeholder that everybody knows: write the output of `openssl rand -hex 32`.",
    ),
    (
        "[secrets]\nkey = 'hunter2'",
        "secrets.key in c.toml is shorter than 32 bytes: write the output of `openssl rand -hex 32`.",
    ),
    (
        "[secrets]\nkey = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
        "secrets.key in c.toml repeats the same few characters: write the output of `openssl rand -hex 32`.",
    ),
    ("[secrets]\nkey = 12345", "secrets.key in c.toml cannot be used: write the secret, in quotes."),
    (
        "[secrets]\nkey_file = '/nonexistent/key'",
        "secrets.key_file in c.toml names /nonexistent/key, which cannot be read (No such file or directory (os error 2)): write the path of a text file that this program may read.",
    ),
    (
        "[secrets]\nkey_file = '/'",
        "secrets.key_file in c.toml names /, which cannot be read (it is a folder): write the path of a text file that this program may read.",
    ),
    ("[secrets]\nkey_file = ''", "secrets.key_file in c.toml is \"\": write the path of a file."),
    (
        "[secrets]\nkey = 'hunter2'\nkey_file = '/nonexistent/key'",
        "Both secrets.key in c.toml and secrets.key_file in c.toml are set: write only one of them.",
    ),
    (
        "[mail]\nurl = 'smtp.example.com'",
        "mail.url in c.toml cannot be used: write smtps://user@smtp.example.com:465, smtp://user@smtp.example.com:587, or smtp://host:25?tls=none.",
    ),
    (
        "[mail]\nurl = 'smtp://smtp.example.com?tls=maybe'\nfrom = 'a@example.com'",
        "mail.url in c.toml cannot be used: write smtps://user@smtp.example.com:465, smtp://user@smtp.example.com:587, or smtp://host:25?tls=none.",
    ),
    (
        "[mail]\nurl = 'smtps://alice@smtp.example.com'\nfrom = 'a@example.com'",
        "mail.url in c.toml names a user without a password: write mail.password or mail.password_file.",
    ),
    (
        "[mail]\nurl = 'smtps://smtp.example.com'",
        "mail.url in c.toml is set but mail.from is not: write a sender such as \"Example Status <status@example.com>\" as mail.from.",
    ),
    (
        "[mail]\nurl = 'smtps://smtp.example.com'\npassword = 'hunter2'\nfrom = 'a@example.com'",
        "mail.password in c.toml is set but mail.url names no user: write smtps://user@host:465 as mail.url.",
    ),
    (
        "[mail]\nurl = 'smtps://alice:hunter2@smtp.example.com'\npassword = 'hunter2'\nfrom = 'a@example.com'",
        "mail.url in c.toml holds a password although mail.password is set: write the password in one place.",
    ),
    (
        "[mail]\npassword = 'hunter2'",
        "mail.password in c.toml is set but mail.url is not: write smtps://user@smtp.example.com:465, smtp://user@smtp.example.com:587, or smtp://host:25?tls=none as mail.url.",
    ),
    (
        "[mail]\nfrom = 'Example'",
        "mail.from in c.toml is \"Example\": write a sender such as \"Example Status <status@example.com>\".",
    ),
    (
        "[mail]\nfrom = \"a@example.com\\nBcc: b@example.com\"",
        "mail.from in c.toml is \"a@example.com\\nBcc: b@example.com\": write a sender such as \"Example Status <status@example.com>\".",
    ),
    (
        "[egress]\nallow_cidrs = ['private']",
        "egress.allow_cidrs in c.toml is [\"private\"]: write a list of networks such as [\"10.0.0.0/8\"], or 10.0.0.0/8 in the environment.",
    ),
    (
        "[egress]\nallow_cidrs = [10]",
        "egress.allow_cidrs in c.toml is [10]: write a list of networks such as [\"10.0.0.0/8\"], or 10.0.0.0/8 in the environment.",
    ),
    (
        "[egress]\nper_host_concurrency = -1",
        "egress.per_host_concurrency in c.toml is -1: write a whole number from 0 to 1000, without quotes.",
    ),
    (
        "[egress]\nper_host_per_second = 1001",
        "egress.per_host_per_second in c.toml is 1001: write a whole number from 0 to 1000, without quotes.",
    ),
    ("[egress]\nallow_own = 1", "egress.allow_own in c.toml is 1: write true or false, without quotes."),
    (
        "[egress]\ncontact_url = 'ask us'",
        "egress.contact_url in c.toml is \"ask us\": write an address such as https://example.com/contact or mailto:abuse@example.com.",
    ),
    (
        "[egress]\nrdap_url = 'rdap.org'",
        "egress.rdap_url in c.toml is \"rdap.org\": write an address such as https://rdap.org/domain/.",
    ),
    (
        "[checks]\nconcurrency = -1",
        "checks.concurrency in c.toml is -1: write a whole number from 1 to 10000, without quotes.",
    ),
    (
        "[checks]\nconcurrency = 1.5",
        "checks.concurrency in c.toml is 1.5: write a whole number from 1 to 10000, without quotes.",
    ),
    (
        "[checks]\nconfirm_after_seconds = 61",
        "checks.confirm_after_seconds in c.toml is 61: write a whole number from 0 to 60, without quotes.",
    ),
    (
        "[checks]\nanchors = ['one.one.one.one:443']",
        "checks.anchors in c.toml is [\"one.one.one.one:443\"]: write a list of addresses with ports, such as [\"1.1.1.1:443\", \"[2620:fe::fe]:443\"].",
    ),
    ("[plans]\nenforce = 'yes'", "plans.enforce in c.toml is \"yes\": write true or false, without quotes."),
    ("[registration]\nopen = 1", "registration.open in c.toml is 1: write true or false, without quotes."),
    (
        "[limits]\nlogin_per_hour = 2000000",
        "limits.login_per_hour in c.toml is 2000000: write a whole number from 0 to 1000000, without quotes.",
    ),
    (
        "[retention]\nraw_days = 0",
        "retention.raw_days in c.toml is 0: write a whole number from 1 to 36500, without quotes.",
    ),
    (
        "[retention]\nrollup_days = 30",
        "retention.rollup_days in c.toml is 30: write a whole number from 90 to 36500, without quotes.",
    ),
    (
        "[retention]\nraw_days = 800\nrollup_days = 730",
        "retention.raw_days in c.toml makes raw_days (800) larger than rollup_days (730): write a rollup_days that is at least raw_days.",
    ),
    (
        "[stripe]\nwebhook_secret = 'whsec_xxxx'",
        "stripe.webhook_secret in c.toml is a placeholder that everybody knows: write the signing secret of the webhook endpoint, which begins with whsec_.",
    ),
    (
        "[stripe]\nwebhook_secret = 'whsec_tooShort1234'",
        "stripe.webhook_secret in c.toml is shorter than 32 bytes: write the signing secret of the webhook endpoint, which begins with whsec_.",
    ),
    (
        "[stripe]\nwebhook_secret = 'sk_live_0123456789abcdef0123456789abcdef'",
        "stripe.webhook_secret in c.toml is not a webhook secret: write the signing secret of the webhook endpoint, which begins with whsec_.",
    ),
    (
        "[stripe]\npro_checkout_url = 'https://buy.stripe.com/xxxx_pro_9_monthly'",
        "stripe.pro_checkout_url in c.toml is \"https://buy.stripe.com/xxxx_pro_9_monthly\": write the payment link of that tier, such as https://buy.stripe.com/abc123.",
    ),
    (
        "[stripe]\nteam_checkout_url = 'http://buy.stripe.com/abc'",
        "stripe.team_checkout_url in c.toml is \"http://buy.stripe.com/abc\": write the payment link of that tier, such as https://buy.stripe.com/abc123.",
    ),
    ("[log]\nformat = 'xml'", "log.format in c.toml is \"xml\": write \"auto\", \"pretty\" or \"json\"."),
    (
        "[log]\nlevel = 'verbose'",
        "log.level in c.toml is \"verbose\": write \"error\", \"warn\", \"info\", \"debug\" or \"trace\".",
    ),
];

/// An environment, and the sentence that it is refused with.
pub(crate) const ENVIRONMENTS: &[(&[(&str, &str)], &str)] = &[
    (
        &[("INDIE_STATUS_SERVER_LISTEN", "127.0.0.1:80")],
        "INDIE_STATUS_SERVER_LISTEN is not an option: write INDIE_STATUS_SERVER__LISTEN or remove it.",
    ),
    (
        &[("INDIE_STATUS_server__listen", "127.0.0.1:80")],
        "INDIE_STATUS_server__listen is not an option: write INDIE_STATUS_SERVER__LISTEN or remove it.",
    ),
    (
        &[("INDIE_STATUS_PORT", "9000")],
        "INDIE_STATUS_PORT is not an option: write the address and the port as server.listen, such as 127.0.0.1:8765.",
    ),
    (
        &[("INDIE_STATUS_SECRETS__KEY_FILE", "/nonexistent/key")],
        "INDIE_STATUS_SECRETS__KEY_FILE names /nonexistent/key, which cannot be read (No such file or directory (os error 2)): write the path of a text file that this program may read.",
    ),
    (
        &[("INDIE_STATUS_PUBLIC_URL", "https://alice:hunter2@example.com")],
        "INDIE_STATUS_PUBLIC_URL cannot be used: write an address that visitors can open, such as https://status.example.com or https://example.com/status.",
    ),
    (
        &[("INDIE_STATUS_SERVER__LISTEN", "abc")],
        "INDIE_STATUS_SERVER__LISTEN is \"abc\": write an address and a port such as 127.0.0.1:8765.",
    ),
    (
        &[("INDIE_STATUS_SERVER__TRUSTED_PROXIES", "10.0.0.0/8,")],
        "INDIE_STATUS_SERVER__TRUSTED_PROXIES is \"10.0.0.0/8,\": write a list of networks such as [\"127.0.0.1/32\"], or 127.0.0.1/32 in the environment.",
    ),
    (
        &[("INDIE_STATUS_PLANS__ENFORCE", "")],
        "INDIE_STATUS_PLANS__ENFORCE is \"\": write true or false, without quotes.",
    ),
    (
        &[("INDIE_STATUS_CHECKS__CONCURRENCY", "many")],
        "INDIE_STATUS_CHECKS__CONCURRENCY is \"many\": write a whole number from 1 to 10000, without quotes.",
    ),
    (
        &[("INDIE_STATUS_SECRETS__KEY", "")],
        "INDIE_STATUS_SECRETS__KEY is empty: write the output of `openssl rand -hex 32`.",
    ),
    (
        &[
            ("INDIE_STATUS_SECRETS__KEY", "0123456789abcdef0123456789abcdef"),
            ("INDIE_STATUS_SECRETS__KEY_FILE", "/run/secrets/key"),
        ],
        "Both INDIE_STATUS_SECRETS__KEY and INDIE_STATUS_SECRETS__KEY_FILE are set: write only one of them.",
    ),
    (&[("SECRET_KEY", "")], "SECRET_KEY is empty: write the output of `openssl rand -hex 32`."),
    (
        &[("SECRET_KEY", "change-me")],
        "SECRET_KEY is a placeholder that everybody knows: write the output of `openssl rand -hex 32`.",
    ),
    (
        &[("SECRET_KEY", "0123456789abcdef0123456789abcdef"), ("SECRET_KEY_FILE", "/run/secrets/key")],
        "Both SECRET_KEY and SECRET_KEY_FILE are set: write only one of them.",
    ),
    (
        &[("DATABASE_URL", "mysql://app:hunter2@localhost/x")],
        "DATABASE_URL cannot be used: write sqlite://data/indie-status.db or postgres://user:password@host:5432/name, with special characters of the password %-encoded.",
    ),
    (
        &[("DATABASE_URL", "sqlite+aiosqlite:///./statuspage.db")],
        "DATABASE_URL is written for another program: write sqlite://path or sqlite:///absolute/path.",
    ),
    (
        &[("STRIPE_WEBHOOK_SECRET", "whsec_xxxx")],
        "STRIPE_WEBHOOK_SECRET is a placeholder that everybody knows: write the signing secret of the webhook endpoint, which begins with whsec_.",
    ),
    (
        &[("STRIPE_PRO_CHECKOUT_URL", "https://buy.stripe.com/xxxx_pro_9_monthly")],
        "STRIPE_PRO_CHECKOUT_URL is \"https://buy.stripe.com/xxxx_pro_9_monthly\": write the payment link of that tier, such as https://buy.stripe.com/abc123.",
    ),
    (&[("SMTP_PORT", "587")], "SMTP_PORT is set but SMTP_HOST is not: write SMTP_HOST too, or remove it."),
    (
        &[("SMTP_HOST", "smtp.example.com"), ("SMTP_PORT", "mail"), ("SMTP_FROM", "a@example.com")],
        "SMTP_PORT is not a port: write a number such as 587.",
    ),
    (
        &[("SMTP_HOST", "smtp://smtp.example.com"), ("SMTP_FROM", "a@example.com")],
        "SMTP_HOST is \"smtp://smtp.example.com\": write the name of the mail server only, such as smtp.example.com.",
    ),
    (
        &[("SMTP_HOST", "smtp.example.com")],
        "SMTP_HOST is set but mail.from is not: write a sender such as \"Example Status <status@example.com>\" as mail.from.",
    ),
    (
        &[("SMTP_HOST", "smtp.example.com"), ("SMTP_USER", "alice"), ("SMTP_FROM", "a@example.com")],
        "SMTP_USER with SMTP_HOST names a user without a password: write mail.password or mail.password_file.",
    ),
    (
        &[("SMTP_PASSWORD", "hunter2")],
        "SMTP_PASSWORD is set but mail.url is not: write smtps://user@smtp.example.com:465, smtp://user@smtp.example.com:587, or smtp://host:25?tls=none as mail.url.",
    ),
];
