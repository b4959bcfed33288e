//! Targets that try to hold the engine up (T-24, Q-12): each check ends with a class, and nobody else waits. `scripts/faults`
//! has the long form, with the memory of the program.

use std::net::Ipv4Addr;
use std::time::Duration;

use checker::Config;
use domain::check::{CheckStatus, FailureClass};
use domain::monitor::Monitor;
use domain::plan::Tier;
use testkit::{Fleet, HostileTarget, Hostility, Target, TestDatabase, db_test};

use crate::support::{World, count, each_second, results};

/// How a check of each ends; `None`: it is well, because what is endless is left unread.
const fn expected(hostility: Hostility) -> Option<FailureClass> {
    use FailureClass as F;
    Some(match hostility {
        Hostility::NeverAnswers | Hostility::OneByteASecond | Hostility::TlsStalls => F::TimedOut,
        Hostility::EndlessHeaders | Hostility::HugeHeader | Hostility::InterimAnswersForEver => {
            F::AnswerTooLarge
        }
        Hostility::EndlessBody => return None,
        Hostility::GzipBomb => F::AssertionFailed,
        Hostility::RedirectLoop => F::TooManyRedirects,
        Hostility::ResetAtOnce
        | Hostility::ResetAfterTheRequest
        | Hostility::ResetInTheBody
        | Hostility::WrongLength
        | Hostility::Http09
        | Hostility::HugeChunkExtension
        | Hostility::EndlessTrailers => F::ProtocolError,
    })
}

#[db_test(flavor = "multi_thread")]
async fn hostile_targets_end_with_a_class_and_delay_nobody(database: TestDatabase) {
    let world = World::new(&database);
    let (fleet, well) = (Fleet::new(&database, 1, Tier::Team).await, Target::start().await);
    let mut hostile = Vec::new();
    for (number, hostility) in (1_u8..).zip(Hostility::ALL) {
        let target = HostileTarget::start(hostility, Ipv4Addr::new(127, 0, 2, number).into()).await;
        let url = format!("{}://{}/", hostility.scheme(), target.address());
        let monitor = Monitor {
            interval_seconds: 4,
            timeout_seconds: 3,
            settings: hostility.settings(),
            ..each_second(&fleet, 100 + u128::from(number), &url)
        };
        fleet.adds(std::slice::from_ref(&monitor), world.now()).await;
        hostile.push((hostility, monitor, target));
    }
    let good: Vec<Monitor> = (1..=20).map(|number| each_second(&fleet, number, &well.url("/"))).collect();
    fleet.adds(&good, world.now()).await;
    let process = world.watches(Config::default());
    tokio::time::sleep(Duration::from_secs(10)).await;
    process.stops().await;
    for (hostility, monitor, _) in &hostile {
        let results = results(&fleet, monitor.id).await;
        assert!(!results.is_empty(), "{hostility:?}");
        for result in results {
            // A machine that is busy may cut short what would have ended otherwise.
            let is_late = result.failure == Some(FailureClass::TimedOut);
            // Whether the reset is met while connecting or afterwards is a matter of luck.
            let is_early = *hostility == Hostility::ResetAtOnce
                && result.failure == Some(FailureClass::ConnectionFailed);
            let is_expected = result.failure == expected(*hostility) || is_late || is_early;
            assert!(is_expected, "{hostility:?}: {result:?}");
            assert_eq!(result.status == CheckStatus::Up, result.failure.is_none(), "{hostility:?}");
        }
    }
    for monitor in &good {
        let up = count(&fleet, monitor.id, CheckStatus::Up).await;
        assert!(up >= 6, "{up} good results in ten seconds");
    }
}
