//! Tags of monitors. Reading them is part of every read of a monitor, in [`crate::monitors`].

use domain::id::MonitorId;
use domain::monitor::Tags;

use crate::{OrgScope, Result, Tx};

/// Gives the monitor these tags and no others. `Reference` when it is not of this organization.
pub async fn replace(tx: &mut Tx, scope: OrgScope, monitor: MonitorId, tags: &Tags) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM monitor_tags WHERE organization_id = $1 AND monitor_id = $2",
        scope.organization_id(),
        monitor
    )?;
    for tag in tags.iter() {
        execute!(
            tx,
            "INSERT INTO monitor_tags (organization_id, monitor_id, tag) VALUES ($1, $2, $3)",
            scope.organization_id(),
            monitor,
            tag
        )?;
    }
    Ok(())
}
