//! `[stripe]`: payment links and the secret that signs Stripe's messages (D6). Nothing here has a default.

use serde::Serialize;
use url::Url;

use super::error::Result;
use super::public_url::Mode;
use super::secrets::Secret;
use super::settings::Settings;

const SECRET_ADVICE: &str = "write the signing secret of the webhook endpoint, which begins with whsec_";
const LINK_ADVICE: &str = "the payment link of that tier, such as https://buy.stripe.com/abc123";

/// `[stripe]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StripeConfig {
    /// `None`: messages from Stripe are not accepted (X85).
    pub webhook_secret: Option<Secret>,
    pub pro_checkout_url: Option<String>,
    pub team_checkout_url: Option<String>,
}

impl StripeConfig {
    pub(super) fn read(settings: &mut Settings, mode: Mode) -> Result<Self> {
        let webhook_secret =
            settings.secret("stripe.webhook_secret")?.filter(|secret| !secret.expose().is_empty());
        if let Some(secret) = &webhook_secret {
            if !secret.expose().starts_with("whsec_") {
                return Err(settings.refuse(
                    "stripe.webhook_secret",
                    "is not a webhook secret",
                    SECRET_ADVICE,
                ));
            }
            if let Some(problem) = secret.weakness() {
                return Err(settings.refuse("stripe.webhook_secret", problem, SECRET_ADVICE));
            }
        }
        let config = Self {
            webhook_secret,
            pro_checkout_url: settings.optional("stripe.pro_checkout_url", LINK_ADVICE, link)?,
            team_checkout_url: settings.optional("stripe.team_checkout_url", LINK_ADVICE, link)?,
        };
        if mode == Mode::SelfHosted && config != Self::default() {
            settings.warn(
                "The section [stripe] is ignored because mode is \"self_hosted\": remove one of the two."
                    .to_owned(),
            );
        }
        Ok(config)
    }
}

/// An https address; Stripe serves payment links on customers' own domains too.
fn link(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_placeholder = text.to_lowercase().contains("xxxx");
    (url.scheme() == "https" && url.path().len() > 1 && !is_placeholder).then(|| url.to_string())
}
