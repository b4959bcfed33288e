//! `/orgs/{org}/members`: who belongs to the organization, and who is asked to.

use actions::invitations::{self, NewInvitation};
use actions::members;
use axum::response::Response;
use domain::id::{InvitationId, UserId};
use domain::invitation::Invitation;
use domain::organization::{Permission, Role};
use domain::plan::QuotaKind;
use domain::time::Timestamp;
use serde::Deserialize;
use store::members::MemberProfile;

use super::input::{self, Nothing};
use super::screen::{Screen, refused, room};
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::members::{Invited, ListPage, Row};
use crate::view::{Choice, Errors};
use crate::words;

pub(crate) async fn list(screen: Screen) -> Response {
    let body = async { Ok(html(&page(&screen, Invite::default(), Errors::default()).await?)) };
    screen.answer(body).await
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Invite {
    email: String,
    role: String,
}

pub(crate) async fn invite(screen: Screen, CsrfForm(input): CsrfForm<Invite>) -> Response {
    let body = async {
        let invited = match input::chosen("role", Role::parse(&input.role)) {
            Ok(role) => {
                let new = NewInvitation { email: input.email.clone(), role };
                invitations::invite(&screen.state.ctx, &screen.membership, new).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        done(&screen, invited, "invited", input).await
    };
    screen.answer(body).await
}

pub(crate) async fn resend(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let id: InvitationId = input::id(&id)?;
        let sent = invitations::resend(&screen.state.ctx, &screen.membership, id).await.map(|_| ());
        done(&screen, sent, "invited", Invite::default()).await
    };
    screen.answer(body).await
}

pub(crate) async fn revoke(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        invitations::revoke(&screen.state.ctx, &screen.membership, input::id(&id)?).await?;
        Ok(screen.go("members", "revoked"))
    };
    screen.answer(body).await
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewRole {
    role: String,
}

pub(crate) async fn change_role(
    screen: Screen,
    Path((_, user)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<NewRole>,
) -> Response {
    let body = async {
        let user: UserId = input::id(&user)?;
        let changed = match input::chosen("", Role::parse(&input.role)) {
            Ok(role) => {
                members::change_role(&screen.state.ctx, &screen.membership, user, role).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        done(&screen, changed, "role-changed", Invite::default()).await
    };
    screen.answer(body).await
}

pub(crate) async fn remove(
    screen: Screen,
    Path((_, user)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let removed = members::remove(&screen.state.ctx, &screen.membership, input::id(&user)?).await;
        done(&screen, removed, "member-removed", Invite::default()).await
    };
    screen.answer(body).await
}

pub(crate) async fn transfer(
    screen: Screen,
    Path((_, user)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let handed = members::transfer(&screen.state.ctx, &screen.membership, input::id(&user)?).await;
        done(&screen, handed, "role-changed", Invite::default()).await
    };
    screen.answer(body).await
}

/// Back to the list, or the list with what was refused.
async fn done(
    screen: &Screen,
    result: actions::Result<()>,
    word: &str,
    input: Invite,
) -> Result<Response, Problem> {
    match result {
        Ok(()) => Ok(screen.go("members", word)),
        Err(error) => {
            let refusal = refused(error)?;
            Ok(refusal.show(&page(screen, input, refusal.errors.clone()).await?))
        }
    }
}

async fn page(screen: &Screen, input: Invite, errors: Errors) -> Result<ListPage, Problem> {
    let now = screen.now();
    let mut conn = screen.read().await?;
    let people = store::members::list(&mut conn, screen.scope()).await?;
    let invited = store::invitations::list_pending(&mut conn, screen.scope()).await?;
    let seats = store::members::count_seats(&mut conn, screen.scope(), now).await?;
    drop(conn);
    let mine = screen.membership.role;
    let may_invite = mine.may(Permission::ManageMembers);
    let chosen = Role::parse(&input.role).unwrap_or_default();
    Ok(ListPage {
        shell: screen.shell().await?,
        rows: people.iter().map(|person| row(person, screen.membership.user_id, mine)).collect(),
        // Addresses of people who have not agreed to anything yet are for those who asked them.
        invited: if may_invite {
            invited.iter().map(|one| invited_row(one, now)).collect()
        } else {
            Vec::new()
        },
        room: room(&screen.limits(), QuotaKind::Members, seats, "places taken, invitations included"),
        roles: if may_invite { roles(mine, chosen) } else { Vec::new() },
        email: input.email,
        errors,
    })
}

fn row(person: &MemberProfile, me: UserId, mine: Role) -> Row {
    let is_you = person.user_id == me;
    let may_manage = !is_you && mine.may_manage(person.role);
    Row {
        user_id: person.user_id.to_string(),
        name: person.display_name.clone().unwrap_or_else(|| person.email.clone()),
        email: person.email.clone(),
        role: person.role.label().to_owned(),
        since: format!("since {}", words::date(person.joined_at)),
        is_you,
        roles: if may_manage { roles(mine, person.role) } else { Vec::new() },
        may_remove: may_manage,
        may_become_owner: !is_you
            && mine.may(Permission::TransferOrganization)
            && person.role != Role::Owner
            && person.is_email_verified,
    }
}

/// Never above one's own (X14).
fn roles(mine: Role, chosen: Role) -> Vec<Choice> {
    Role::ALL
        .into_iter()
        .filter(|role| mine.may_manage(*role))
        .map(|role| Choice {
            value: role.as_str().to_owned(),
            label: role.label().to_owned(),
            is_chosen: role == chosen,
        })
        .collect()
}

fn invited_row(invitation: &Invitation, now: Timestamp) -> Invited {
    let day = words::date(invitation.expires_at);
    Invited {
        id: invitation.id.to_string(),
        email: invitation.email.clone(),
        role: invitation.role.label().to_owned(),
        until: if invitation.expires_at > now { format!("until {day}") } else { format!("expired on {day}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_offered_a_role_above_their_own() {
        // X11, X14
        let offered = |mine| roles(mine, Role::Member).into_iter().map(|role| role.label).collect::<Vec<_>>();
        assert_eq!(offered(Role::Owner), ["Owner", "Admin", "Member", "Viewer"]);
        assert_eq!(offered(Role::Admin), ["Admin", "Member", "Viewer"]);
        assert!(offered(Role::Member).is_empty());
    }
}
