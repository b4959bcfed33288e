//! What every handler can reach. Built once, in `server/src/parts.rs`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actions::Context;
use egress::Egress;
use moka::future::Cache;
use store::sessions::LoggedIn;
use url::Url;

use crate::assets::Precompressed;
use crate::cache::PageCache;
use crate::layer::RequestRate;

/// How long a session may be served from memory. A log-out elsewhere takes effect within this time (D2).
const SESSION_CACHE: Duration = Duration::from_secs(3);

/// The part of the configuration that HTTP needs.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Where the installation is reached, without a slash at the end; every absolute link starts with it (X30).
    pub public_url: Url,
    /// Networks whose `X-Forwarded-For` is believed (T-16). Empty: nobody's.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub rates: Rates,
}

/// Requests per client; 0 switches a limit off (T-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub public_page_per_minute: u32,
    pub register_per_hour: u32,
    pub login_per_hour: u32,
    pub subscribe_per_hour: u32,
    /// Of one session.
    pub api_per_minute: u32,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// See [`AppState`], which derefs to this.
pub struct Inner {
    pub ctx: Context,
    pub config: WebConfig,
    pub egress: Egress,
    /// Rendered public pages.
    pub pages: PageCache,
    pub(crate) public_rate: RequestRate,
    pub(crate) api_rate: RequestRate,
    /// The OpenAPI document, which names the base path; made when it is asked for first.
    pub(crate) document: OnceLock<Precompressed>,
    /// Alive sessions, by id or by hash of the cookie, for a few seconds.
    pub(crate) sessions: Cache<Vec<u8>, LoggedIn>,
}

impl AppState {
    pub fn new(ctx: Context, config: WebConfig, egress: Egress) -> Self {
        let sessions = Cache::builder().max_capacity(100_000).time_to_live(SESSION_CACHE).build();
        let pages = PageCache::new(ctx.signals.clone());
        Self(Arc::new(Inner {
            ctx,
            config,
            egress,
            pages,
            public_rate: RequestRate::default(),
            api_rate: RequestRate::default(),
            document: OnceLock::new(),
            sessions,
        }))
    }

    /// After anything that ends sessions: this process looks each of them up again.
    pub(crate) fn forget_sessions(&self) {
        self.sessions.invalidate_all();
    }
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl WebConfig {
    /// The path prefix of the installation, without a slash at the end: `/status` or nothing (X30).
    pub fn base(&self) -> &str {
        self.public_url.path().trim_end_matches('/')
    }

    /// Cookies carry `Secure` and the `__Host-` prefix when the installation is reached by https.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
