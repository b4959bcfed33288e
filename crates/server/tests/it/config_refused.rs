//! Every bad configuration stops the start with one sentence that says what to write (T-10, X7, X85).

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use server::config::{Config, Flag, OPTIONS, Sources};

use crate::config_refusals::{ENVIRONMENTS, FILES};

/// The sentence that a file and an environment are refused with.
fn refusal(file: &str, environment: &[(&str, &str)]) -> String {
    let sources = Sources {
        file: Some((PathBuf::from("c.toml"), file.to_owned())),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        flags: Vec::new(),
    };
    refusal_of(sources)
}

fn refusal_of(sources: Sources) -> String {
    let written = format!("{sources:?}");
    match Config::load(sources) {
        Ok(loaded) => panic!("accepted: {written} as {loaded:?}"),
        Err(error) => error.to_string(),
    }
}

/// Writes a secret with the mode that its file shall have.
fn secret_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("secret");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_bad_file_is_refused_with_the_option_and_what_to_write() {
    for (file, sentence) in FILES {
        assert_eq!(refusal(file, &[]), *sentence, "{file}");
    }
}

#[test]
fn a_bad_environment_is_refused_with_the_variable_and_what_to_write() {
    for (environment, sentence) in ENVIRONMENTS {
        assert_eq!(refusal("", environment), *sentence, "{environment:?}");
    }
}

#[test]
fn every_refusal_is_one_line_that_repeats_no_password() {
    let sentences =
        FILES.iter().map(|(_, sentence)| sentence).chain(ENVIRONMENTS.iter().map(|(_, sentence)| sentence));
    for sentence in sentences {
        assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}

#[test]
fn a_bad_flag_is_named_as_it_was_typed() {
    let flag = |name, key, value: &str| {
        refusal_of(Sources { flags: vec![Flag { name, key, value: value.into() }], ..Sources::default() })
    };
    assert_eq!(
        flag("--listen", "server.listen", "8765"),
        "--listen is \"8765\": write an address and a port such as 127.0.0.1:8765."
    );
    assert_eq!(flag("--data-dir", "data_dir", ""), "--data-dir is \"\": write the path of a folder.");
}

#[test]
fn a_key_file_that_others_can_read_or_change_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o644, 0o604, 0o620] {
        let path = secret_file(folder.path(), KEY, mode);
        let sentence = refusal("", &[("INDIE_STATUS_SECRETS__KEY_FILE", path.to_str().unwrap())]);
        let expected = format!(
            "INDIE_STATUS_SECRETS__KEY_FILE names {}, which other users of this machine can read or change: run chmod 600 on that file.",
            path.display()
        );
        assert_eq!(sentence, expected, "{mode:o}");
    }
}

#[test]
fn a_secret_in_a_file_meets_the_same_rules_as_one_that_is_written_out() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |variable: &str, text: &str| {
        let path = secret_file(folder.path(), text, 0o600);
        refusal("", &[(variable, path.to_str().unwrap())]).replace(path.to_str().unwrap(), "PATH")
    };
    assert_eq!(
        refused("INDIE_STATUS_SECRETS__KEY_FILE", "changeme\n"),
        "INDIE_STATUS_SECRETS__KEY_FILE is a placeholder that everybody knows: write the output of `openssl rand -hex 32`."
    );
    assert_eq!(
        refused("SECRET_KEY_FILE", "\n"),
        "SECRET_KEY_FILE names PATH, which is empty: write the secret into it."
    );
    assert_eq!(
        refused("STRIPE_WEBHOOK_SECRET_FILE", "whsec_xxxx"),
        "STRIPE_WEBHOOK_SECRET_FILE is a placeholder that everybody knows: write the signing secret of the webhook endpoint, which begins with whsec_."
    );
}

#[test]
fn a_named_file_that_is_not_there_is_refused() {
    let error = Sources::of_process(Some(Path::new("/nonexistent/c.toml")), Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--config names /nonexistent/c.toml, which cannot be read (No such file or directory (os error 2)): write the path of a TOML file that this program may read."
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_in_our_variables_only() {
    let with = |name: &str| Sources {
        environment: vec![(name.into(), std::ffi::OsString::from_vec(vec![0xff]))],
        ..Sources::default()
    };
    assert_eq!(
        refusal_of(with("INDIE_STATUS_DATA_DIR")),
        "INDIE_STATUS_DATA_DIR is not UTF-8: write it as plain text."
    );
    assert_eq!(refusal_of(with("SECRET_KEY")), "SECRET_KEY is not UTF-8: write it as plain text.");
    assert_eq!(Config::load(with("LESSOPEN")).unwrap().config, Config::default());
}

proptest! {
    #[test]
    fn any_text_in_any_option_is_accepted_or_refused_in_one_line(option in 0..OPTIONS.len(), text in "\\PC{0,40}|[\\PC\n\t]{0,12}|[a-z]{2,8}://\\PC{0,20}") {
        let name = format!("INDIE_STATUS_{}", OPTIONS[option].replace('.', "__").to_uppercase());
        let sources = Sources { environment: vec![(name.clone().into(), text.into())], ..Sources::default() };
        if let Err(error) = Config::load(sources) {
            let sentence = error.to_string();
            prop_assert!(sentence.starts_with(&name) && sentence.ends_with('.') && !sentence.contains('\n'), "{}", sentence);
        }
    }
}
