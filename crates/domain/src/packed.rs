//! Packed results: single results of one monitor in a row, about eight bytes each instead of a database row.
//!
//! The first byte is the version of the form. Then each result: a byte of flags, the time since the one before in
//! milliseconds (the first: since 1970), and what the flags announce. Numbers are LEB128, the time zigzagged first,
//! because a clock that was set back makes it negative (F-07).

use crate::check::{CheckResult, CheckStatus, FailureClass, Phases};
use crate::id::MonitorId;
use crate::time::{HOUR_MS, Timestamp};

const VERSION: u8 = 1;

const STATUS: u8 = 0b0000_0011;
const MANUAL: u8 = 0b0000_0100;
const FAILURE: u8 = 0b0000_1000;
const CODE: u8 = 0b0001_0000;
/// The status code is 200, as it nearly always is.
const CODE_200: u8 = 0b0010_0000;
const TOOK: u8 = 0b0100_0000;
const PHASES: u8 = 0b1000_0000;

/// Adds a result behind the others. One of the same instant as the last stays as it is.
pub fn push(packed: &mut Vec<u8>, result: &CheckResult) {
    let last = read(packed).last().map(|last| last.checked_at);
    if last == Some(result.checked_at) {
        return;
    }
    if packed.is_empty() {
        packed.push(VERSION);
    }
    write(packed, last, result);
}

/// So many results are enough for a move to their hours.
const ENOUGH: usize = 24;
/// So old results are not kept waiting for more.
const LONGEST_WAIT_MS: i64 = 2 * HOUR_MS;

/// Whether the results that wait beside their monitor are to be moved to their hours: there are enough of them, or
/// the first waits for too long. Instants are spread like the checks, so that never all monitors move at once.
pub fn is_due(packed: &[u8], now: Timestamp) -> bool {
    let mut results = read(packed);
    let Some(first) = results.next() else { return false };
    now.since(first.checked_at).abs() >= LONGEST_WAIT_MS || results.count() + 1 >= ENOUGH
}

/// Results in the order given, as one text.
pub fn pack(results: &[CheckResult]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(1 + 10 * results.len());
    let mut last = None;
    for result in results {
        if packed.is_empty() {
            packed.push(VERSION);
        }
        write(&mut packed, last, result);
        last = Some(result.checked_at);
    }
    packed
}

/// The results of `monitor` in the order in which they were packed. What cannot be read, and all behind it, is left
/// out.
pub fn unpack(packed: &[u8], monitor: MonitorId) -> Vec<CheckResult> {
    read(packed).map(|result| CheckResult { monitor_id: monitor, ..result }).collect()
}

/// How many results these are.
pub fn count(packed: &[u8]) -> usize {
    read(packed).count()
}

fn write(to: &mut Vec<u8>, last: Option<Timestamp>, result: &CheckResult) {
    let code = result.status_code.filter(|code| *code != 200);
    let Phases { dns_ms, connect_ms, tls_ms, first_byte_ms } = result.phases;
    let phases = [dns_ms, connect_ms, tls_ms, first_byte_ms];
    let has_phases = phases.iter().any(Option::is_some);
    let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    to.push(
        (result.status as i16).to_le_bytes()[0]
            | flag(result.is_manual, MANUAL)
            | flag(result.failure.is_some(), FAILURE)
            | flag(code.is_some(), CODE)
            | flag(result.status_code == Some(200), CODE_200)
            | flag(result.response_time_ms.is_some(), TOOK)
            | flag(has_phases, PHASES),
    );
    put_signed(to, result.checked_at.since(last.unwrap_or(Timestamp::from_ms(0))));
    if let Some(class) = result.failure {
        put(to, u64::from((class as i16).unsigned_abs()));
    }
    if let Some(code) = code {
        put(to, u64::from(code.unsigned_abs()));
    }
    if let Some(took_ms) = result.response_time_ms {
        put(to, u64::from(took_ms.unsigned_abs()));
    }
    if has_phases {
        // One more than the time, so that nought says that there is none.
        for phase in phases {
            put(to, phase.map_or(0, |ms| u64::from(ms) + 1));
        }
    }
}

fn read(packed: &[u8]) -> impl Iterator<Item = CheckResult> {
    let mut rest = packed.strip_prefix(&[VERSION]).unwrap_or_default();
    let mut last = Timestamp::from_ms(0);
    std::iter::from_fn(move || {
        let result = next(&mut rest, last)?;
        last = result.checked_at;
        Some(result)
    })
}

fn next(rest: &mut &[u8], last: Timestamp) -> Option<CheckResult> {
    let (flags, behind) = rest.split_first()?;
    *rest = behind;
    let has = |bit: u8| flags & bit != 0;
    let checked_at = last.plus_ms(take_signed(rest)?);
    let failure = if has(FAILURE) { Some(FailureClass::of_number(take_as(rest)?)?) } else { None };
    let status_code = match (has(CODE_200), has(CODE)) {
        (true, _) => Some(200),
        (_, true) => Some(take_as(rest)?),
        _ => None,
    };
    let response_time_ms = if has(TOOK) { Some(take_as(rest)?) } else { None };
    let mut phases = [None; 4];
    if has(PHASES) {
        for phase in &mut phases {
            *phase = take_as::<u32>(rest)?.checked_sub(1);
        }
    }
    let [dns_ms, connect_ms, tls_ms, first_byte_ms] = phases;
    Some(CheckResult {
        monitor_id: MonitorId::new(uuid::Uuid::nil()),
        checked_at,
        status: match flags & STATUS {
            1 => CheckStatus::Up,
            2 => CheckStatus::Degraded,
            3 => CheckStatus::Down,
            _ => CheckStatus::NoData,
        },
        failure,
        status_code,
        response_time_ms,
        phases: Phases { dns_ms, connect_ms, tls_ms, first_byte_ms },
        is_manual: has(MANUAL),
    })
}

/// Seven bits a byte, the low ones first.
pub(crate) fn put(to: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

/// The reverse of [`put`]; `None` when the bytes end early or the number does not fit.
pub(crate) fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7f);
        number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_as<T: TryFrom<u64>>(from: &mut &[u8]) -> Option<T> {
    T::try_from(take(from)?).ok()
}

fn put_signed(to: &mut Vec<u8>, number: i64) {
    put(to, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn take_signed(from: &mut &[u8]) -> Option<i64> {
    let zigzag = take(from)?;
    Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn monitor() -> MonitorId {
        MonitorId::new(uuid::Uuid::from_u128(7))
    }

    fn result(checked_at: i64) -> CheckResult {
        CheckResult {
            monitor_id: monitor(),
            checked_at: Timestamp::from_ms(checked_at),
            status: CheckStatus::Up,
            failure: None,
            status_code: Some(200),
            response_time_ms: Some(42),
            phases: Phases::default(),
            is_manual: false,
        }
    }

    fn any_result() -> impl Strategy<Value = CheckResult> {
        let status = prop_oneof![
            Just(CheckStatus::Up),
            Just(CheckStatus::Degraded),
            Just(CheckStatus::Down),
            Just(CheckStatus::NoData)
        ];
        let failure = proptest::option::of((1_i16..=10).prop_filter_map("a class", FailureClass::of_number));
        let phase = || proptest::option::of(0..u32::MAX);
        let phases = (phase(), phase(), phase(), phase());
        (
            -10_000_000_000_000_i64..10_000_000_000_000,
            status,
            failure,
            proptest::option::of(0..=999_i16),
            proptest::option::of(0..=i32::MAX),
            phases,
            any::<bool>(),
        )
            .prop_map(|(at, status, failure, status_code, response_time_ms, phases, is_manual)| {
                CheckResult {
                    status,
                    failure,
                    status_code,
                    response_time_ms,
                    phases: Phases {
                        dns_ms: phases.0,
                        connect_ms: phases.1,
                        tls_ms: phases.2,
                        first_byte_ms: phases.3,
                    },
                    is_manual,
                    ..result(at)
                }
            })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(results in proptest::collection::vec(any_result(), 0..40)) {
            let packed = pack(&results);
            prop_assert_eq!(count(&packed), results.len());
            prop_assert_eq!(unpack(&packed, monitor()), results);
        }

        #[test]
        fn pushing_one_by_one_is_packing_but_for_repeated_instants(results in proptest::collection::vec(any_result(), 0..20)) {
            let mut packed = Vec::new();
            for result in &results {
                push(&mut packed, result);
            }
            let mut kept = results;
            kept.dedup_by_key(|result| result.checked_at);
            prop_assert_eq!(packed, pack(&kept));
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes, monitor());
            let _ = unpack(&[&[VERSION], bytes.as_slice()].concat(), monitor());
        }
    }

    #[test]
    fn a_result_of_every_minute_takes_eight_bytes_without_phases_and_twelve_with_them() {
        // P-5
        let plain: Vec<CheckResult> = (0..60).map(|n| result(1_795_428_000_000 + n * 60_000)).collect();
        assert_eq!(pack(&plain).len(), 1 + 1 + 6 + 1 + 59 * 5);
        let phases =
            Phases { dns_ms: Some(1), connect_ms: Some(9), tls_ms: Some(20), first_byte_ms: Some(30) };
        let full: Vec<CheckResult> =
            plain.into_iter().map(|result| CheckResult { phases, ..result }).collect();
        assert_eq!(pack(&full).len(), 1 + 1 + 6 + 1 + 59 * 5 + 60 * 4);
    }

    #[test]
    fn results_move_when_there_are_enough_or_the_first_waits_too_long() {
        let minutes = |count: i64| pack(&(0..count).map(|n| result(n * 60_000)).collect::<Vec<_>>());
        let at = |ms| Timestamp::from_ms(ms);
        assert!(!is_due(&[], at(0)));
        assert!(!is_due(&minutes(23), at(23 * 60_000)));
        assert!(is_due(&minutes(24), at(23 * 60_000)));
        assert!(!is_due(&minutes(1), at(LONGEST_WAIT_MS - 1)));
        assert!(is_due(&minutes(1), at(LONGEST_WAIT_MS)) && is_due(&minutes(1), at(-LONGEST_WAIT_MS)));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let packed = pack(&[result(1000), result(2000)]);
        assert_eq!(unpack(&packed[..packed.len() - 1], monitor()), [result(1000)]);
        assert_eq!(unpack(&[9, 1, 2, 3], monitor()), []);
        assert_eq!(unpack(&[], monitor()), []);
    }
}
