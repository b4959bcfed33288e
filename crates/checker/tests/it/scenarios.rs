//! Every kind against scripted targets, through what `scenarios.toml` says: up, degraded, down, flapping and back. States and
//! incidents equal a model that is slow and obvious.

use std::time::Duration;

use checker::Config;
use domain::check::{CheckResult, CheckStatus, FailureClass};
use domain::incident::IncidentStatus;
use domain::monitor::{Monitor, MonitorState, Settings};
use domain::plan::Tier;
use domain::service::IncidentMode;
use domain::time::Timestamp;
use futures_util::future::join_all;
use serde::Deserialize;
use testkit::{Fleet, TestDatabase, db_test};

use crate::scripted::{SLOW_ABOVE_MS, Script, Scripted, Stage, Theatre};
use crate::support::{World, each_second, results, within};

#[derive(Deserialize)]
struct File {
    scenario: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    steps: Vec<String>,
    states: Vec<MonitorState>,
    #[serde(default = "two")]
    failures_to_open: i32,
    #[serde(default = "two")]
    successes_to_close: i32,
    #[serde(default)]
    is_flapping: bool,
}

const fn two() -> i32 {
    2
}

fn scenarios() -> Vec<Scenario> {
    toml::from_str::<File>(include_str!("../scenarios.toml")).unwrap().scenario
}

fn step(text: &str) -> (Stage, usize) {
    let (stage, count) = text.split_once(' ').unwrap();
    let stage = match stage {
        "up" => Stage::Up,
        "degraded" => Stage::Degraded,
        "down" => Stage::Down,
        other => panic!("{other} is no stage"),
    };
    (stage, count.parse().unwrap())
}

const fn status(stage: Stage) -> CheckStatus {
    match stage {
        Stage::Up => CheckStatus::Up,
        Stage::Degraded => CheckStatus::Degraded,
        Stage::Down => CheckStatus::Down,
    }
}

/// Takes one monitor through its scenario. A step ends with so many results that say what the target does.
async fn direct(fleet: &Fleet, monitor: &Monitor, scenario: &Scenario, script: &Script) {
    for text in &scenario.steps {
        let (stage, count) = step(text);
        let before = results(fleet, monitor.id).await.len();
        script.says(stage);
        let what = format!("{} {}: {text}", scenario.name, monitor.kind.as_str());
        within(Duration::from_mins(1), &what, async || {
            let list = results(fleet, monitor.id).await;
            let excused = list.iter().find(|result| result.failure == Some(FailureClass::NotPermitted));
            assert!(
                excused.is_none(),
                "echo requests need the right to send them: net.ipv4.ping_group_range"
            );
            list[before..].iter().filter(|result| result.status == status(stage)).count() >= count
        })
        .await;
    }
}

/// The states that these results confirm, each with its first result: looked up from the start for every result anew.
fn model(scenario: &Scenario, results: &[CheckResult]) -> Vec<(MonitorState, Timestamp)> {
    let told: Vec<_> = results.iter().filter(|result| result.status != CheckStatus::NoData).collect();
    let mut states: Vec<(MonitorState, Timestamp)> = Vec::new();
    for end in 1..=told.len() {
        let (now, newest) = (states.last().map(|(state, _)| *state), told[end - 1].status);
        let is_like = |result: &&&CheckResult| match now {
            Some(MonitorState::Down) => (result.status == CheckStatus::Down) == (newest == CheckStatus::Down),
            _ => result.status == newest,
        };
        // A flip uses up nothing: what came before it still counts.
        let run = told[..end].iter().rev().take_while(is_like).count();
        let to = match newest {
            CheckStatus::Up => MonitorState::Up,
            CheckStatus::Degraded => MonitorState::Degraded,
            _ => MonitorState::Down,
        };
        let needed = match (now, to) {
            (None, MonitorState::Up | MonitorState::Degraded) => 1,
            (Some(MonitorState::Down), _) | (Some(MonitorState::Degraded), MonitorState::Up) => {
                scenario.successes_to_close
            }
            _ => scenario.failures_to_open,
        };
        if now != Some(to) && run >= usize::try_from(needed).unwrap() {
            states.push((to, told[end - run].checked_at));
        }
    }
    states
}

/// When the incident began and what its updates say, oldest first.
type Told = Option<(Timestamp, Vec<IncidentStatus>)>;

/// What the engine told about the service of a monitor.
async fn incident_of(fleet: &Fleet, monitor: &Monitor) -> Told {
    let mut conn = fleet.db.read().await.unwrap();
    let part = store::incidents::Part {
        is_open: None,
        since: Timestamp::from_ms(0),
        before: (testkit::wall_clock(), uuid::Uuid::max()),
        limit: 1000,
    };
    let mut own = Vec::new();
    for incident in store::incidents::list(&mut conn, fleet.scope(), part).await.unwrap() {
        let services = store::incidents::list_services(&mut conn, fleet.scope(), incident.id).await.unwrap();
        if services.iter().any(|service| service.service_id == monitor.service_id) {
            own.push(incident);
        }
    }
    assert!(own.len() <= 1, "a second incident beside the first: {own:?}");
    let incident = own.pop()?;
    let updates = store::incidents::list_updates(&mut conn, fleet.scope(), incident.id).await.unwrap();
    Some((incident.started_at, updates.iter().rev().map(|update| update.status).collect()))
}

/// Every outage begins an incident or, this soon after the last one, opens it again; its end resolves it, unless the
/// state had changed six times by then: a monitor that flaps is not believed to be well.
fn told(states: &[MonitorState], flips: &[(MonitorState, Timestamp)]) -> Told {
    let mut told: Told = None;
    let mut is_open = false;
    for (place, (state, at)) in flips.iter().enumerate() {
        let is_end = place > 0 && states[place - 1] == MonitorState::Down;
        if *state == MonitorState::Down && !is_open {
            told.get_or_insert_with(|| (*at, Vec::new())).1.push(IncidentStatus::Investigating);
            is_open = true;
        } else if is_end && is_open && place < 6 {
            told.as_mut().unwrap().1.push(IncidentStatus::Resolved);
            is_open = false;
        }
    }
    told
}

#[db_test(flavor = "multi_thread")]
async fn every_kind_goes_through_every_scenario_as_the_model_says(database: TestDatabase) {
    let world = World::new(&database);
    let (fleet, theatre) = (Fleet::new(&database, 1, Tier::Team).await, Theatre::set().await);
    let scenarios = scenarios();
    let mut plays: Vec<(&Scenario, Monitor, Scripted)> = Vec::new();
    for scenario in &scenarios {
        for target in theatre.targets(&scenario.name).await {
            target.script.says(step(&scenario.steps[0]).0);
            let number = u128::try_from(plays.len()).unwrap() + 1;
            // Of these two, time is no sign: they have warnings of their own.
            let is_timed =
                !matches!(target.settings, Settings::TlsCertificate(_) | Settings::DomainExpiry(_));
            let service = fleet.adds_service_of(100 + number, IncidentMode::Auto).await;
            let monitor = Monitor {
                service_id: service,
                kind: target.settings.kind(),
                settings: target.settings.clone(),
                failures_to_open: scenario.failures_to_open,
                successes_to_close: scenario.successes_to_close,
                degraded_above_ms: is_timed.then_some(SLOW_ABOVE_MS),
                ..each_second(&fleet, number, &target.url)
            };
            plays.push((scenario, monitor, target));
        }
    }
    let monitors: Vec<Monitor> = plays.iter().map(|(_, monitor, _)| monitor.clone()).collect();
    fleet.adds(&monitors, world.now()).await;
    let hasty = Config { confirm_after: Duration::ZERO, ..Config::default() };
    let process = world.watches_through(theatre.rules(), hasty);
    join_all(
        plays.iter().map(|(scenario, monitor, target)| direct(&fleet, monitor, scenario, &target.script)),
    )
    .await;
    process.stops().await;

    for (scenario, monitor, _) in &plays {
        let what = format!("{} {}", scenario.name, monitor.kind.as_str());
        let list = results(&fleet, monitor.id).await;
        let expected = model(scenario, &list);
        let mut conn = fleet.db.read().await.unwrap();
        let spans = store::state_intervals::list(&mut conn, fleet.scope(), monitor.id, Timestamp::from_ms(0))
            .await
            .unwrap();
        drop(conn);
        let seen: Vec<_> = spans.iter().map(|span| (span.state, span.started_at)).collect();
        assert_eq!(seen, expected, "{what}: {list:?}");
        for (span, next) in spans.iter().zip(&spans[1..]) {
            assert_eq!(span.ended_at, Some(next.started_at), "{what}: no gap");
        }
        assert_eq!(spans.last().unwrap().ended_at, None, "{what}");
        let states: Vec<_> = seen.iter().map(|(state, _)| *state).collect();
        assert_eq!(states, scenario.states, "{what}: {list:?}");
        let stored = fleet.finds(monitor.id).await;
        assert_eq!(Some(&stored.state), states.last(), "{what}");
        assert_eq!(stored.flapping_since.is_some(), scenario.is_flapping, "{what}");
        assert_eq!(incident_of(&fleet, monitor).await, told(&states, &expected), "{what}");
    }
}
