//! The way of a check to its target: the guard, the owner's leave, a turn at the host, and the connection (T-01, T-19).

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::Inner;
use crate::address::reached;
use crate::anchor::is_inside;
use crate::connect::{ConnectError, Sight, add, attempt, is_out_of_files};
use crate::probe::Probe;
use crate::target::{Place, TargetError};
use crate::turns::{Host, NoTurn};

/// Addresses of one name that are tried before it counts as unreachable.
const MAX_ATTEMPTS: usize = 8;
/// To find out where a name leads while somebody waits for the answer to a form.
const FORM_WAIT: Duration = Duration::from_secs(2);

impl Probe<'_> {
    /// Every address of a place, all permitted, once the owner's leave is known and the name has its turn. `port`: where
    /// the check will connect to; `None`: it does not.
    pub(crate) async fn addresses(
        &mut self,
        place: &Place,
        port: Option<u16>,
    ) -> Result<Vec<IpAddr>, ConnectError> {
        let inner = self.inner;
        let addresses = inner.connector.addresses(place, inner.rules.policy(), &mut self.sight).await?;
        if inner.is_own(place, &addresses, port).await {
            return Err(ConnectError::Refused);
        }
        // Given back before queueing for others: two checks in opposite directions would wait for each other.
        self.turns.retain(|turn| match turn.host() {
            Host::Name(held) => matches!(place, Place::Name(name) if name == held),
            Host::Address(held) => addresses.iter().any(|address| reached(*address) == *held),
        });
        if let Place::Name(name) = place
            && inner.is_anothers(&addresses)
        {
            if self.asks_leave && self.clock.stand_still(inner.is_opted_out(name)).await {
                return Err(ConnectError::OptedOut);
            }
            self.take(Host::Name(name.clone())).await?;
        }
        Ok(addresses)
    }

    /// Waits for a turn at an address, unless the operator says that it is his own.
    pub(crate) async fn take_address(&mut self, address: IpAddr) -> Result<(), ConnectError> {
        if self.inner.is_anothers(&[address]) {
            self.take(Host::Address(reached(address))).await?;
        }
        Ok(())
    }

    /// Waits for a turn; the clock of the check stands still meanwhile.
    pub(crate) async fn take(&mut self, host: Host) -> Result<(), ConnectError> {
        if self.turns.iter().any(|turn| *turn.host() == host) {
            return Ok(());
        }
        let began = Instant::now();
        let turn = self.inner.turns.take(host, self.who, began + self.patience);
        let turn = self.clock.stand_still(turn).await.map_err(|NoTurn| ConnectError::Busy)?;
        self.patience = self.patience.saturating_sub(began.elapsed());
        self.turns.extend(turn);
        Ok(())
    }

    /// Connects to a place without speaking to it. Tries the addresses in order; each may use its share of what is left,
    /// so a black hole leaves time for the next.
    pub(crate) async fn connect(&mut self, place: &Place, port: u16) -> Result<TcpStream, ConnectError> {
        let addresses = self.addresses(place, Some(port)).await?;
        let mut rest = addresses.len().min(MAX_ATTEMPTS);
        for address in addresses.into_iter().take(MAX_ATTEMPTS) {
            self.take_address(address).await?;
            let started = Instant::now();
            let left = self.clock.deadline().saturating_duration_since(started);
            let share = left / u32::try_from(rest).unwrap_or(1);
            let attempt = attempt(address, port);
            let result = if rest == 1 {
                attempt.await
            } else {
                timeout(share, attempt).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            rest -= 1;
            add(&mut self.connect_ms, started);
            match result {
                Ok(tcp) => {
                    self.sight.phases.connect_ms = self.connect_ms;
                    self.sight.is_inside = tcp.peer_addr().is_ok_and(|peer| is_inside(peer.ip()));
                    return Ok(tcp);
                }
                Err(error) if is_out_of_files(&error) => return Err(ConnectError::Local),
                Err(_) => self.turns.retain(|turn| *turn.host() != Host::Address(reached(address))),
            }
        }
        Err(ConnectError::Unreachable)
    }
}

impl Inner {
    /// Whether a target is not the operator's own network, so that its owner is to be spared.
    fn is_anothers(&self, addresses: &[IpAddr]) -> bool {
        let is_named = |address: &IpAddr| self.rules.policy().is_allowed(*address);
        self.limits_allowed || !addresses.iter().all(is_named)
    }

    async fn is_opted_out(&self, name: &str) -> bool {
        self.honours_opt_outs && self.opt_outs.is_out(self.connector.resolver(), name).await
    }

    /// Whether a target is this installation: where it listens, under any name, or the address of its public name on its
    /// public port. What else is reached at that address under another name is another site on the same machine.
    async fn is_own(&self, place: &Place, addresses: &[IpAddr], port: Option<u16>) -> bool {
        let (own, Some(port)) = (self.rules.own(), port) else { return false };
        if addresses.iter().any(|address| own.is_socket(reached(*address), port)) {
            return true;
        }
        let Place::Address(address) = place else { return false };
        if own.public_port != Some(port) {
            return false;
        }
        for host in &own.hosts {
            let found = self.find(&Place::Name(host.clone())).await;
            if found.iter().any(|found| reached(*found) == reached(*address)) {
                return true;
            }
        }
        false
    }

    /// Where a place is, for a form; empty: nobody says, or not within two seconds.
    async fn find(&self, place: &Place) -> Vec<IpAddr> {
        let mut sight = Sight::default();
        let found = self.connector.addresses(place, self.rules.policy(), &mut sight);
        timeout(FORM_WAIT, found).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// What only the network can say about a target before it is stored. Silence is no refusal: the check asks again.
    pub(crate) async fn consult(&self, place: &Place, port: Option<u16>) -> Result<(), TargetError> {
        let is_asked = match place {
            Place::Name(_) => {
                self.honours_opt_outs || port.is_some_and(|port| self.rules.own().may_be_at(port))
            }
            Place::Address(_) => true,
        };
        let addresses = if is_asked { self.find(place).await } else { Vec::new() };
        if addresses.is_empty() {
            return Ok(());
        }
        if self.is_own(place, &addresses, port).await {
            return Err(TargetError::OwnHost);
        }
        match place {
            Place::Name(name) if self.is_anothers(&addresses) && self.is_opted_out(name).await => {
                Err(TargetError::OptedOut)
            }
            _ => Ok(()),
        }
    }
}
