//! What every dashboard page starts from: who looks at which organization, the shell around the page, and the ways an
//! action's answer goes back to a browser.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use domain::monitor::Monitor;
use domain::organization::Permission;
use domain::plan::Limits;
use domain::time::Timestamp;
use store::OrgScope;
use store::organizations::Membership;

use super::flash;
use crate::AppState;
use crate::error::Problem;
use crate::extract::{PageMember, PageUser};
use crate::page::html;
use crate::view::dashboard::{Room, Shell};
use crate::view::{Errors, Site};

/// A member in front of a page below `/orgs/{org}`.
pub(crate) struct Screen {
    pub(crate) state: AppState,
    pub(crate) user: PageUser,
    pub(crate) membership: Membership,
    pub(crate) uri: Uri,
}

impl FromRequestParts<AppState> for Screen {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let PageMember { user, membership } = PageMember::from_request_parts(parts, state).await?;
        Ok(Self { state: state.clone(), user, membership, uri: parts.uri.clone() })
    }
}

impl Screen {
    pub(crate) fn scope(&self) -> OrgScope {
        self.membership.scope()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state.ctx.now()
    }

    pub(crate) async fn read(&self) -> Result<store::Conn, Problem> {
        Ok(self.state.ctx.db.read().await?)
    }

    /// What the organization's tier allows here.
    pub(crate) fn limits(&self) -> Limits {
        self.state.ctx.policy.limits(self.membership.organization.tier)
    }

    /// 403 for a form that the role could not send anyway; the action decides again.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), Problem> {
        Ok(actions::gate::require(&self.membership, permission)?)
    }

    pub(crate) fn base(&self) -> &str {
        self.state.config.base()
    }

    /// `{base}/orgs/{slug}`.
    pub(crate) fn root(&self) -> String {
        format!("{}/orgs/{}", self.base(), self.membership.organization.slug)
    }

    /// The public page, with base.
    pub(crate) fn public_path(&self, page_slug: &str) -> String {
        format!("{}/p/{}/{page_slug}", self.base(), self.membership.organization.slug)
    }

    /// With scheme and host, for copying; empty stays empty. `path` has the base.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.is_empty() {
            return String::new();
        }
        let mut url = self.state.config.public_url.clone();
        url.set_path(path);
        url.into()
    }

    pub(crate) fn site(&self) -> Site {
        Site { base: self.base().to_owned(), csrf: self.user.csrf.clone() }
    }

    /// The monitor as far as is known now.
    pub(crate) fn known(&self, monitor: Monitor) -> Monitor {
        let interval_seconds = self.limits().clamp_interval(monitor.interval_seconds);
        monitor.as_known(interval_seconds, self.now())
    }

    pub(crate) async fn shell(&self) -> Result<Shell, Problem> {
        let mut conn = self.read().await?;
        let others = store::organizations::list_memberships(&mut conn, self.membership.user_id).await?;
        let trouble = store::overview::count_trouble(&mut conn, self.scope()).await?;
        let organization = &self.membership.organization;
        Ok(Shell {
            site: self.site(),
            root: self.root(),
            organization: organization.name.clone(),
            tier: organization.tier.label().to_owned(),
            role: self.membership.role,
            organizations: others
                .into_iter()
                .filter(|other| other.organization.id != organization.id)
                .map(|other| (other.organization.slug, other.organization.name))
                .collect(),
            email: self.user.login.email.clone(),
            is_verified: self.membership.is_email_verified,
            open_incidents: u32::try_from(trouble.open_incidents).unwrap_or(u32::MAX),
            failing_monitors: u32::try_from(trouble.failing_monitors).unwrap_or(u32::MAX),
            flash: flash::of(&self.uri),
        })
    }

    /// A parameter of the query; the first one when it is there twice.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.uri.query()?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// 303 to a path below the root of the organization; `done` names a sentence of [`flash`].
    pub(crate) fn go(&self, path: &str, done: &str) -> Response {
        let root = self.root();
        let slash = if path.is_empty() { "" } else { "/" };
        Redirect::to(&format!("{root}{slash}{path}?done={done}")).into_response()
    }

    /// Runs a handler's body; what it could not do becomes an error page.
    pub(crate) async fn answer(&self, body: impl Future<Output = Result<Response, Problem>>) -> Response {
        body.await.unwrap_or_else(|problem| crate::page::failure(&self.state, problem))
    }
}

/// Why an action refused a form, as the form shows it.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) errors: Errors,
    /// Somebody else saved first: the form goes on from their version.
    pub(crate) is_stale: bool,
}

impl Refused {
    /// The form again, with the status of the refusal.
    pub(crate) fn show(&self, view: &impl Template) -> Response {
        (self.status, html(view)).into_response()
    }
}

/// Splits what belongs on the form from what needs a page of its own.
pub(crate) fn refused(error: actions::Error) -> Result<Refused, Problem> {
    use actions::Error as E;
    let is_stale = matches!(error, E::Stale);
    let errors = match &error {
        E::Invalid(fields) => {
            // Fields of forms are named as in the API, but services have one field each.
            let id = |field: &actions::FieldError| match field.field {
                "services" => String::new(),
                name => format!("{name}{}", field.path).replace('/', "_"),
            };
            fields.iter().fold(Errors::default(), |errors, field| errors.with(id(field), &*field.message))
        }
        E::Conflict { code, message } => Errors::default().with(field_of(code), message),
        E::LimitReached(_) | E::FeatureMissing(_) => Errors::general(limit_words(&error)),
        E::Stale => Errors::general(
            "Somebody else saved this while you were editing; nothing was overwritten. Your text is still here: \
             compare it, then save again to put it in place of theirs.",
        ),
        E::Throttled { retry_after_s } => Errors::general(format!(
            "This was tried too often. Try again in {}.",
            crate::words::lasting(retry_after_s * 1000)
        )),
        _ => return Err(error.into()),
    };
    let status = StatusCode::from_u16(Problem::from(error).status).unwrap_or(StatusCode::BAD_REQUEST);
    Ok(Refused { status, errors, is_stale })
}

/// The field that a conflict is about; the whole form when it is about none.
fn field_of(code: &str) -> &'static str {
    match code {
        "slug_taken" | "slug_held" => "slug",
        "email_taken" | "already_member" | "already_invited" | "already_subscribed" => "email",
        _ => "",
    }
}

fn limit_words(error: &actions::Error) -> String {
    match error {
        actions::Error::LimitReached(reached) => blocked(reached),
        actions::Error::FeatureMissing(missing) => {
            format!("{} is not part of your plan. {}", missing.feature.label(), way_up(missing.required))
        }
        _ => String::new(),
    }
}

/// "All 5 services per page are in use. Pro has room, $9 a month."
fn blocked(reached: &domain::plan::LimitReached) -> String {
    let kind = reached.kind.label().to_lowercase();
    let taken = if reached.limit == 1 {
        format!("{}: 1 of 1 in use.", reached.kind.label())
    } else {
        format!("All {} {kind} are in use.", reached.limit)
    };
    format!("{taken} {}", way_up(reached.required))
}

fn way_up(required: Option<domain::plan::Tier>) -> String {
    match required {
        Some(tier) => {
            format!("{} has room, ${} a month.", tier.label(), tier.monthly_price_cents() / 100)
        }
        None => "No plan has more.".to_owned(),
    }
}

/// How full a limit is, before it bites (`ux.md` 2.3). `noun`: "services on this page".
pub(crate) fn room(limits: &Limits, kind: domain::plan::QuotaKind, used: i64, noun: &str) -> Room {
    let used_text = match limits.quota(kind) {
        domain::plan::Quota::Limited(limit) => format!("{used} of {limit} {noun}"),
        domain::plan::Quota::Unlimited => format!("{used} {noun}"),
    };
    Room { used: used_text, blocked: limits.check(kind, used).err().map(|reached| way_up(reached.required)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::plan::{QuotaKind, Tier};

    #[test]
    fn a_full_limit_says_so_and_names_the_way_out() {
        // X72 and ux.md 2.3: limits are shown before they bite.
        let free = Tier::Free.limits();
        let some = room(&free, QuotaKind::ServicesPerPage, 4, "services");
        assert_eq!((some.used.as_str(), some.blocked), ("4 of 5 services", None));
        let full = room(&free, QuotaKind::ServicesPerPage, 5, "services");
        assert_eq!(full.blocked.as_deref(), Some("Pro has room, $9 a month."));
        let endless = room(&Tier::Team.limits(), QuotaKind::ServicesPerPage, 512, "services");
        assert_eq!((endless.used.as_str(), endless.blocked), ("512 services", None));
    }

    #[test]
    fn refusals_stand_at_their_field_with_their_status() {
        let error = actions::Error::field("name", "empty", "Give it a name.");
        let refusal = refused(error).ok().unwrap();
        assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refusal.errors.of("name"), Some("Give it a name."));

        let error = actions::Error::Conflict { code: "slug_taken", message: "Taken.".into() };
        let refusal = refused(error).ok().unwrap();
        assert_eq!((refusal.status, refusal.errors.of("slug")), (StatusCode::CONFLICT, Some("Taken.")));

        let refusal = refused(actions::Error::Stale).ok().unwrap();
        assert!(refusal.is_stale);
        assert_eq!(refusal.status, StatusCode::PRECONDITION_FAILED);

        let reached = Tier::Free.limits().check(QuotaKind::StatusPages, 1).unwrap_err();
        let refusal = refused(actions::Error::LimitReached(reached)).ok().unwrap();
        assert_eq!(refusal.status, StatusCode::FORBIDDEN);
        assert_eq!(refusal.errors.of(""), Some("Status pages: 1 of 1 in use. Pro has room, $9 a month."));
    }

    #[test]
    fn what_belongs_on_no_form_becomes_a_page() {
        assert_eq!(refused(actions::Error::NotFound).err().unwrap().status, 404);
        assert_eq!(refused(actions::Error::Forbidden("No.")).err().unwrap().status, 403);
    }
}
