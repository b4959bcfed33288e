//! `[plans]` and `[registration]`: what an organization may use, and who may make one.

use serde::Serialize;

use super::error::Result;
use super::public_url::Mode;
use super::settings::Settings;

/// `[plans]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlansConfig {
    /// Whether tiers limit anything (D7); off means everything unlimited.
    pub enforce: bool,
}

impl PlansConfig {
    pub(super) fn default_in(mode: Mode) -> Self {
        Self { enforce: mode == Mode::Saas }
    }

    pub(super) fn read(settings: &Settings, mode: Mode) -> Result<Self> {
        Ok(Self { enforce: settings.switch("plans.enforce")?.unwrap_or(Self::default_in(mode).enforce) })
    }
}

/// `[registration]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegistrationConfig {
    /// Whether strangers may sign up; when closed, accounts come from invitations and `user create`.
    pub open: bool,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self { open: true }
    }
}

impl RegistrationConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        Ok(Self { open: settings.switch("registration.open")?.unwrap_or(Self::default().open) })
    }
}
