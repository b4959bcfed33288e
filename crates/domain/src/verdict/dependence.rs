//! What a monitor depends on: while its parent fails, its own failures say nothing (`peers.md` D5). Pure.

use std::collections::BTreeMap;

use crate::check::{CheckStatus, FailureClass};
use crate::id::MonitorId;
use crate::monitor::MonitorState;

/// Monitors above another one at most.
pub const MAX_DEPTH: usize = 5;

/// What is known of a parent that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: MonitorState,
    pub run_status: Option<CheckStatus>,
    pub last_failure: Option<FailureClass>,
}

impl Standing {
    /// Down, failing right now, or silenced itself by what it depends on: so it goes down the whole chain.
    pub fn mutes_children(self) -> bool {
        self.state == MonitorState::Down
            || self.run_status == Some(CheckStatus::Down)
            || self.last_failure == Some(FailureClass::ParentDown)
    }
}

/// Why a monitor cannot depend on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not among the monitors of the organization.
    Unknown,
    /// It is the monitor itself, or depends on it.
    Circle,
    /// More than [`MAX_DEPTH`] monitors would stand above one.
    TooDeep,
}

/// Whether `child` may depend on `parent`. `parents` has all monitors of the organization; a child that is not among
/// them is about to be made.
pub fn check(
    parents: &BTreeMap<MonitorId, Option<MonitorId>>,
    child: MonitorId,
    parent: MonitorId,
) -> Result<(), Refused> {
    if parent != child && !parents.contains_key(&parent) {
        return Err(Refused::Unknown);
    }
    if chain(parents, parent).any(|one| one == child) {
        return Err(Refused::Circle);
    }
    let above = chain(parents, parent).count();
    let below = parents.keys().filter_map(|one| chain(parents, *one).position(|up| up == child)).max();
    if above + below.unwrap_or(0) > MAX_DEPTH { Err(Refused::TooDeep) } else { Ok(()) }
}

/// How many of the monitors in `parents` stand above this one, so that parents can be taken before their children.
pub fn depth(parents: &BTreeMap<MonitorId, Option<MonitorId>>, monitor: MonitorId) -> usize {
    chain(parents, monitor).skip(1).filter(|one| parents.contains_key(one)).count()
}

/// The monitor and those above it. Cut off where it could only be a circle.
fn chain(
    parents: &BTreeMap<MonitorId, Option<MonitorId>>,
    first: MonitorId,
) -> impl Iterator<Item = MonitorId> {
    std::iter::successors(Some(first), |one| parents.get(one).copied().flatten()).take(2 * MAX_DEPTH + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> MonitorId {
        MonitorId::new(Uuid::from_u128(number))
    }

    /// `(monitor, parent)`, 0 for none.
    fn tree(links: &[(u128, u128)]) -> BTreeMap<MonitorId, Option<MonitorId>> {
        links.iter().map(|(one, parent)| (id(*one), (*parent != 0).then(|| id(*parent)))).collect()
    }

    #[test]
    fn a_parent_is_a_known_monitor_that_closes_no_circle_and_no_long_chain() {
        // 1 over 2 over 3; 11 over … over 16; 21 alone.
        let parents = tree(&[
            (1, 0),
            (2, 1),
            (3, 2),
            (11, 0),
            (12, 11),
            (13, 12),
            (14, 13),
            (15, 14),
            (16, 15),
            (21, 0),
        ]);
        let table = [
            (21, 3, Ok(())),
            (99, 3, Ok(())),
            (21, 98, Err(Refused::Unknown)),
            (1, 1, Err(Refused::Circle)),
            (99, 99, Err(Refused::Circle)),
            (1, 3, Err(Refused::Circle)),
            (1, 2, Err(Refused::Circle)),
            // As it is already.
            (3, 2, Ok(())),
            (21, 15, Ok(())),
            (21, 16, Err(Refused::TooDeep)),
            // What depends on the child counts as well: 1 brings two below it.
            (1, 13, Ok(())),
            (1, 14, Err(Refused::TooDeep)),
        ];
        for (child, parent, expected) in table {
            assert_eq!(check(&parents, id(child), id(parent)), expected, "{child} under {parent}");
        }
    }

    #[test]
    fn parents_come_before_their_children() {
        // 7 is not in the batch.
        let parents = tree(&[(3, 2), (2, 1), (1, 7), (5, 0)]);
        let depths: Vec<_> = [3, 2, 1, 5].into_iter().map(|one| depth(&parents, id(one))).collect();
        assert_eq!(depths, [2, 1, 0, 0]);
        let circle = tree(&[(1, 2), (2, 1)]);
        assert!(depth(&circle, id(1)) > 0, "ends");
    }

    #[test]
    fn children_are_mute_while_their_parent_is_down_fails_or_is_mute_itself() {
        use CheckStatus::{Degraded, Down, Up};
        let table = [
            (MonitorState::Up, Some(Up), None, false),
            (MonitorState::Degraded, Some(Degraded), None, false),
            (MonitorState::NoData, None, None, false),
            (MonitorState::NoData, Some(Down), Some(FailureClass::TimedOut), true),
            (MonitorState::Up, Some(Down), Some(FailureClass::TimedOut), true),
            (MonitorState::Down, Some(Down), Some(FailureClass::TimedOut), true),
            // On its way up, not confirmed.
            (MonitorState::Down, Some(Up), None, true),
            (MonitorState::Up, Some(Up), Some(FailureClass::ParentDown), true),
            (MonitorState::Up, Some(Up), Some(FailureClass::OwnNetworkDown), false),
        ];
        for (state, run_status, last_failure, expected) in table {
            let parent = Standing { state, run_status, last_failure };
            assert_eq!(parent.mutes_children(), expected, "{parent:?}");
        }
    }
}
