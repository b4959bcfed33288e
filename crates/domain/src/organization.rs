//! Organization: the tenant, its members, and the written matrix of who may do what (S19, S20, X11, X12).

use crate::id::{OrgId, UserId};
use crate::plan::Tier;
use crate::time::Timestamp;

/// What a member is. Ordered by rank: `Viewer < Member < Admin < Owner`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Role {
    Viewer,
    #[default]
    Member,
    Admin,
    Owner,
}

/// One thing that a role allows or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See everything of the organization in the dashboard and the API.
    Read,
    ManageIncidents,
    ManageMaintenance,
    ManageServices,
    ManageMonitors,
    ManagePages,
    ManageSubscribers,
    ManageDomains,
    ManageKeys,
    /// Webhooks and chat channels.
    ManageIntegrations,
    ManageSettings,
    /// Invite, change and remove members that are not owners.
    ManageMembers,
    /// Make somebody an owner, change or remove an owner.
    ManageOwners,
    ManageBilling,
    TransferOrganization,
    DeleteOrganization,
}

impl Permission {
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::ManageIncidents,
        Self::ManageMaintenance,
        Self::ManageServices,
        Self::ManageMonitors,
        Self::ManagePages,
        Self::ManageSubscribers,
        Self::ManageDomains,
        Self::ManageKeys,
        Self::ManageIntegrations,
        Self::ManageSettings,
        Self::ManageMembers,
        Self::ManageOwners,
        Self::ManageBilling,
        Self::TransferOrganization,
        Self::DeleteOrganization,
    ];

    /// The lowest role that has it: the whole matrix of X11.
    pub const fn needs(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::ManageIncidents | Self::ManageMaintenance | Self::ManageServices | Self::ManageMonitors => {
                Role::Member
            }
            Self::ManagePages
            | Self::ManageSubscribers
            | Self::ManageDomains
            | Self::ManageKeys
            | Self::ManageIntegrations
            | Self::ManageSettings
            | Self::ManageMembers => Role::Admin,
            Self::ManageOwners
            | Self::ManageBilling
            | Self::TransferOrganization
            | Self::DeleteOrganization => Role::Owner,
        }
    }
}

impl Role {
    /// By falling rank.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// English text as people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Member => "Member",
            Self::Viewer => "Viewer",
        }
    }

    /// `None`: not a role.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    pub fn may(self, permission: Permission) -> bool {
        self >= permission.needs()
    }

    /// Whether this role may invite as, change to or take away `other`: never above itself (X14), and owners
    /// only by owners.
    pub fn may_manage(self, other: Self) -> bool {
        let needed = if other == Self::Owner { Permission::ManageOwners } else { Permission::ManageMembers };
        self.may(needed) && self >= other
    }
}

/// A tenant as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Organization {
    pub id: OrgId,
    /// Unique among all organizations, deleted ones included until they are purged.
    pub slug: String,
    pub name: String,
    pub tier: Tier,
    pub created_at: Timestamp,
    /// Grows with every edit; the object's version (`ETag`).
    pub updated_at: Timestamp,
    /// Set for 30 days before the purge (X18). `None`: alive.
    pub deleted_at: Option<Timestamp>,
}

/// A user in an organization; at most one row per pair (X13).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    pub organization_id: OrgId,
    pub user_id: UserId,
    pub role: Role,
    pub joined_at: Timestamp,
}

/// The change would leave the organization without an owner (X12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An organization needs at least one owner. Make somebody else an owner first.")]
pub struct LastOwner;

impl LastOwner {
    pub const fn code(self) -> &'static str {
        "last_owner"
    }
}

/// Refuses the change of one member that would leave no owner. `members` must be read under the lock of the
/// organization and hold only those who may count as its owner (verified users). `new_role` `None` means the
/// member leaves.
pub fn check_owner_remains(
    members: &[Member],
    user_id: UserId,
    new_role: Option<Role>,
) -> Result<(), LastOwner> {
    let another = members.iter().any(|member| member.user_id != user_id && member.role == Role::Owner);
    if another || new_role == Some(Role::Owner) { Ok(()) } else { Err(LastOwner) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_matrix_is_the_written_one() {
        // X11: one row per permission, columns owner, admin, member, viewer.
        let matrix = [
            (Permission::Read, [true, true, true, true]),
            (Permission::ManageIncidents, [true, true, true, false]),
            (Permission::ManageMaintenance, [true, true, true, false]),
            (Permission::ManageServices, [true, true, true, false]),
            (Permission::ManageMonitors, [true, true, true, false]),
            (Permission::ManagePages, [true, true, false, false]),
            (Permission::ManageSubscribers, [true, true, false, false]),
            (Permission::ManageDomains, [true, true, false, false]),
            (Permission::ManageKeys, [true, true, false, false]),
            (Permission::ManageIntegrations, [true, true, false, false]),
            (Permission::ManageSettings, [true, true, false, false]),
            (Permission::ManageMembers, [true, true, false, false]),
            (Permission::ManageOwners, [true, false, false, false]),
            (Permission::ManageBilling, [true, false, false, false]),
            (Permission::TransferOrganization, [true, false, false, false]),
            (Permission::DeleteOrganization, [true, false, false, false]),
        ];
        assert_eq!(matrix.map(|row| row.0), Permission::ALL);
        for (permission, expected) in matrix {
            assert_eq!(Role::ALL.map(|role| role.may(permission)), expected, "{permission:?}");
        }
    }

    #[test]
    fn nobody_gives_or_takes_a_role_above_their_own() {
        // Columns as above; rows: the role that is given or taken.
        let matrix = [
            (Role::Owner, [true, false, false, false]),
            (Role::Admin, [true, true, false, false]),
            (Role::Member, [true, true, false, false]),
            (Role::Viewer, [true, true, false, false]),
        ];
        for (other, expected) in matrix {
            assert_eq!(Role::ALL.map(|role| role.may_manage(other)), expected, "{other:?}");
        }
    }

    #[test]
    fn role_words_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(role.label().to_lowercase(), role.as_str());
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    fn member(user: u128, role: Role) -> Member {
        Member {
            organization_id: OrgId::new(Uuid::from_u128(1)),
            user_id: UserId::new(Uuid::from_u128(user)),
            role,
            joined_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn the_last_owner_can_neither_leave_nor_step_down() {
        // X12
        let (alice, bob) = (member(1, Role::Owner), member(2, Role::Admin));
        let one_owner = [alice.clone(), bob.clone()];
        assert_eq!(check_owner_remains(&one_owner, alice.user_id, None), Err(LastOwner));
        assert_eq!(check_owner_remains(&one_owner, alice.user_id, Some(Role::Admin)), Err(LastOwner));
        assert_eq!(check_owner_remains(&one_owner, alice.user_id, Some(Role::Owner)), Ok(()));
        assert_eq!(check_owner_remains(&one_owner, bob.user_id, None), Ok(()));

        let two_owners = [alice.clone(), member(2, Role::Owner)];
        assert_eq!(check_owner_remains(&two_owners, alice.user_id, None), Ok(()));
    }
}
