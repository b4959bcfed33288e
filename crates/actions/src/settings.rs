//! What an organization says on all of its pages: a closed set of keys (S8, S13).

use domain::organization::Permission;
use domain::text::{Description, Email};
use domain::time::Timestamp;
use store::OrgScope;
use store::organizations::Membership;
use store::site_settings::SiteSetting;
use url::Url;

use crate::patch::{Patch, Version, next_version};
use crate::{Checks, Context, Error, Result, gate};

const SUPPORT_URL: &str = "support_url";
const SUPPORT_EMAIL: &str = "support_email";
const FOOTER_TEXT: &str = "footer_text";

const MAX_FOOTER_CHARACTERS: usize = 300;
const MAX_URL_BYTES: usize = 2048;

/// All settings of an organization; `None`: not set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `http`, `https` or `mailto`.
    pub support_url: Option<String>,
    pub support_email: Option<String>,
    /// Plain text.
    pub footer_text: Option<String>,
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct SettingsPatch {
    pub support_url: Patch<String>,
    pub support_email: Patch<String>,
    pub footer_text: Patch<String>,
}

impl Settings {
    /// From the rows of an organization; rows with other keys are left alone.
    pub fn from_rows(rows: Vec<SiteSetting>) -> Self {
        let mut settings = Self::default();
        for row in rows {
            match row.key.as_str() {
                SUPPORT_URL => settings.support_url = Some(row.value),
                SUPPORT_EMAIL => settings.support_email = Some(row.value),
                FOOTER_TEXT => settings.footer_text = Some(row.value),
                _ => {}
            }
        }
        settings
    }

    fn fields(&self) -> [(&'static str, Option<&String>); 3] {
        [
            (SUPPORT_URL, self.support_url.as_ref()),
            (SUPPORT_EMAIL, self.support_email.as_ref()),
            (FOOTER_TEXT, self.footer_text.as_ref()),
        ]
    }
}

/// Changes settings; gives all of them and their version, which is the organization's.
pub async fn update(
    ctx: &Context,
    by: &Membership,
    version: Version,
    patch: SettingsPatch,
) -> Result<(Settings, Timestamp)> {
    gate::require(by, Permission::ManageSettings)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let mut organization = store::organizations::lock(&mut tx, by.scope()).await?.ok_or(Error::NotFound)?;
    let before = organization.updated_at;
    version.check(before)?;
    let old = Settings::from_rows(store::site_settings::list(&mut tx, by.scope()).await?);
    let new = apply(&old, patch)?;
    write(&mut tx, by.scope(), &old, &new, now).await?;
    organization.updated_at = next_version(before, now);
    store::organizations::update(&mut tx, by.scope(), &organization, before).await?;
    tx.commit().await?;
    ctx.signals.pages_changed(by.organization.id);
    Ok((new, organization.updated_at))
}

async fn write(
    tx: &mut store::Tx,
    scope: OrgScope,
    old: &Settings,
    new: &Settings,
    now: Timestamp,
) -> Result<()> {
    for ((key, before), (_, after)) in old.fields().into_iter().zip(new.fields()) {
        match after {
            Some(value) if before != Some(value) => {
                store::site_settings::upsert(tx, scope, key, value, now).await?;
            }
            None if before.is_some() => {
                store::site_settings::delete(tx, scope, key).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn apply(old: &Settings, patch: SettingsPatch) -> Result<Settings> {
    let mut checks = Checks::default();
    let mut new = old.clone();
    apply_text(patch.support_url, &mut new.support_url, |text| support_url(&mut checks, text));
    apply_text(patch.support_email, &mut new.support_email, |text| {
        checks.take(SUPPORT_EMAIL, Email::parse(text)).map(|email| email.display().to_owned())
    });
    apply_text(patch.footer_text, &mut new.footer_text, |text| {
        let text = checks.take(FOOTER_TEXT, Description::parse(text))?.into_string();
        if text.chars().count() > MAX_FOOTER_CHARACTERS {
            checks.add(FOOTER_TEXT, "too_long", format!("Use at most {MAX_FOOTER_CHARACTERS} characters."));
            return None;
        }
        Some(text)
    });
    checks.finish()?;
    Ok(new)
}

/// A blank text empties the field, as `null` does: forms cannot send `null`.
fn apply_text(patch: Patch<String>, field: &mut Option<String>, parse: impl FnOnce(&str) -> Option<String>) {
    match patch {
        Patch::Set(text) if text.trim().is_empty() => *field = None,
        other => other.apply(field, |text| parse(&text)),
    }
}

fn support_url(checks: &mut Checks, text: &str) -> Option<String> {
    let text = text.trim();
    let parsed = Url::parse(text).ok().filter(|url| {
        url.as_str().len() <= MAX_URL_BYTES
            && match url.scheme() {
                "http" | "https" => {
                    url.host_str().is_some() && url.username().is_empty() && url.password().is_none()
                }
                "mailto" => Email::parse(url.path()).is_ok(),
                _ => false,
            }
    });
    if parsed.is_none() {
        checks.add(
            SUPPORT_URL,
            "url_malformed",
            "Enter an address that starts with https://, http:// or mailto:, such as https://example.org/help.",
        );
    }
    parsed.map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<String> {
        let patch = SettingsPatch { support_url: Patch::Set(text.to_owned()), ..SettingsPatch::default() };
        apply(&Settings::default(), patch).ok().and_then(|settings| settings.support_url)
    }

    #[test]
    fn a_support_link_leads_to_a_page_or_a_mail_box_and_nowhere_else() {
        assert_eq!(url(" https://example.org/help ").as_deref(), Some("https://example.org/help"));
        assert_eq!(url("mailto:help@example.org").as_deref(), Some("mailto:help@example.org"));
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "ftp://example.org/",
            "//example.org",
            "help",
            "https://",
            "https://user:secret@example.org/",
            "mailto:nobody",
        ] {
            assert_eq!(url(bad), None, "{bad}");
        }
        assert_eq!(url(&format!("https://example.org/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn null_and_blank_empty_a_field_and_absence_keeps_it() {
        let old = Settings { footer_text: Some("Made in Kiel".into()), ..Settings::default() };
        let patch = |footer_text| SettingsPatch { footer_text, ..SettingsPatch::default() };
        assert_eq!(apply(&old, patch(Patch::Keep)).unwrap(), old);
        assert_eq!(apply(&old, patch(Patch::Clear)).unwrap(), Settings::default());
        assert_eq!(apply(&old, patch(Patch::Set("  ".into()))).unwrap(), Settings::default());
        let long = "é".repeat(MAX_FOOTER_CHARACTERS);
        assert_eq!(apply(&old, patch(Patch::Set(long.clone()))).unwrap().footer_text, Some(long.clone()));
        assert!(apply(&old, patch(Patch::Set(long + "é"))).is_err());
    }
}
