//! A name that has to resolve, and perhaps to certain values. Asks the resolver of the installation, or a server that
//! the owner names and that goes through the guard like every target.

use std::net::{IpAddr, SocketAddr};

use domain::check::FailureClass;
use domain::monitor::{DnsSettings, RecordType};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolveHosts, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{self, Name, RData};
use tokio::time::Instant;

use crate::Error;
use crate::anchor::is_inside;
use crate::connect::{add, build_resolver, is_out_of_files};
use crate::probe::{Probe, REFUSED_PORTS, Stop};
use crate::target::{Rules, TargetError};
use crate::turns::Host;

const DNS_PORT: u16 = 53;
/// Names that only a private network knows: what is behind them is nobody's business.
const INSIDE: [&str; 3] = [".internal", ".local", ".home.arpa"];

/// The resolver of the installation, without a memory: an owner wants to know what the zone says now.
pub(crate) struct Asker(TokioResolver);

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asker")
    }
}

impl Asker {
    pub(crate) fn new(server: Option<SocketAddr>) -> Result<Self, Error> {
        Ok(Self(build_resolver(server, without_memory)?))
    }
}

fn without_memory(options: &mut ResolverOpts) {
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
}

/// The server that `text` names, when it may be asked.
pub(crate) fn server(rules: &Rules, text: &str) -> Result<SocketAddr, TargetError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address: Result<SocketAddr, _> =
        text.parse().or_else(|_| bare.parse().map(|ip: IpAddr| SocketAddr::new(ip, DNS_PORT)));
    let address = address.map_err(|_| TargetError::Malformed)?;
    if REFUSED_PORTS.contains(&address.port()) {
        return Err(TargetError::PortNotAllowed);
    }
    if rules.policy().permits(address.ip()) { Ok(address) } else { Err(TargetError::AddressNotAllowed) }
}

/// The name to ask for. Our own resolver may know a private network, so it is asked for public names only.
pub(crate) fn name(rules: &Rules, settings: &DnsSettings) -> Result<String, TargetError> {
    let name = rules.plain_name(&settings.name)?;
    let is_inside = settings.resolver.is_none() && INSIDE.iter().any(|suffix| name.ends_with(suffix));
    if is_inside && !rules.policy().allows_private() {
        return Err(TargetError::HostNotAllowed);
    }
    Ok(name)
}

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &DnsSettings) -> Result<(), Stop> {
    let rules = &probe.inner.rules;
    let name = name(rules, settings).map_err(|_| probe.refused())?;
    let found = if let Some(text) = &settings.resolver {
        let server = server(rules, text).map_err(|_| probe.refused())?;
        probe.sight.is_inside = is_inside(server.ip());
        probe.take_address(server.ip()).await?;
        let resolver = build_resolver(Some(server), without_memory).map_err(|_| Stop::unknown(None))?;
        ask(probe, &resolver, &name, settings.record).await?
    } else {
        probe.take(Host::Name(name.clone())).await?;
        let mut found = ask(probe, &probe.inner.dns.0, &name, settings.record).await?;
        // A private address looks like none: else anybody could draw a map of our network.
        found.retain(|data| data.ip_addr().is_none_or(|address| rules.policy().permits(address)));
        found
    };
    if found.is_empty() {
        return Err(Stop::down(FailureClass::NoRecords));
    }
    if is_expected(&found, settings) { Ok(()) } else { Err(Stop::down(FailureClass::UnexpectedRecords)) }
}

async fn ask(
    probe: &mut Probe<'_>,
    resolver: &TokioResolver,
    name: &str,
    record: RecordType,
) -> Result<Vec<RData>, Stop> {
    let kind = kind(record);
    let started = Instant::now();
    // The dot keeps a name out of the system's search domains; a single label may need them.
    let answer = if name.contains('.') {
        resolver.lookup(format!("{name}."), kind).await
    } else {
        resolver.lookup(name, kind).await
    };
    add(&mut probe.sight.phases.dns_ms, started);
    let answer = answer.map_err(|error| failure(&error))?;
    // Aliases on the way are answers too, of another type.
    let records = answer.answers().iter().filter(|one| one.record_type() == kind);
    Ok(records.map(|one| one.data.clone()).collect())
}

fn failure(error: &NetError) -> Stop {
    match error {
        error if error.is_no_records_found() => Stop::down(FailureClass::NoRecords),
        NetError::Timeout => Stop::down(FailureClass::TimedOut),
        NetError::Io(error) if is_out_of_files(error) => Stop::unknown(None),
        _ => Stop::down(FailureClass::DnsFailed),
    }
}

const fn kind(record: RecordType) -> rr::RecordType {
    match record {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Cname => rr::RecordType::CNAME,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ns => rr::RecordType::NS,
        RecordType::Txt => rr::RecordType::TXT,
        RecordType::Srv => rr::RecordType::SRV,
        RecordType::Caa => rr::RecordType::CAA,
        RecordType::Soa => rr::RecordType::SOA,
    }
}

fn is_expected(found: &[RData], settings: &DnsSettings) -> bool {
    let expected: Vec<String> =
        settings.expected.iter().map(|value| normal(value, settings.record)).collect();
    let found: Vec<Vec<String>> = found.iter().map(forms).collect();
    let is_there = expected.iter().all(|value| found.iter().any(|forms| forms.contains(value)));
    let is_wanted = |forms: &Vec<String>| forms.iter().any(|form| expected.contains(form));
    is_there && (!settings.exactly || expected.is_empty() || found.iter().all(is_wanted))
}

/// How an owner may write a record: whole, or only the part that matters.
fn forms(data: &RData) -> Vec<String> {
    match data {
        RData::A(address) => vec![address.to_string()],
        RData::AAAA(address) => vec![address.to_string()],
        RData::CNAME(to) => vec![bare(to)],
        RData::NS(to) => vec![bare(to)],
        RData::MX(mx) => vec![format!("{} {}", mx.preference, bare(&mx.exchange)), bare(&mx.exchange)],
        RData::SRV(srv) => {
            let target = bare(&srv.target);
            vec![format!("{} {} {} {target}", srv.priority, srv.weight, srv.port), target]
        }
        RData::TXT(txt) => vec![String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()],
        RData::CAA(caa) => {
            let value = String::from_utf8_lossy(&caa.value).to_ascii_lowercase();
            vec![format!("{} {} {value}", caa.flags(), caa.tag.to_ascii_lowercase()), value]
        }
        RData::SOA(soa) => {
            let (server, mail) = (bare(&soa.mname), bare(&soa.rname));
            let numbers =
                format!("{} {} {} {} {}", soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum);
            vec![format!("{server} {mail} {numbers}"), server]
        }
        _ => Vec::new(),
    }
}

fn bare(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

/// An expected value in the form of [`forms`].
fn normal(value: &str, record: RecordType) -> String {
    let value = value.trim();
    match record {
        RecordType::Txt => {
            let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            inner.unwrap_or(value).to_owned()
        }
        RecordType::A | RecordType::Aaaa => {
            value.parse().map_or_else(|_| value.to_owned(), |address: IpAddr| address.to_string())
        }
        _ => {
            let words = value.split_whitespace();
            let words = words.map(|word| word.trim_matches('"').trim_end_matches('.').to_ascii_lowercase());
            words.collect::<Vec<_>>().join(" ")
        }
    }
}
