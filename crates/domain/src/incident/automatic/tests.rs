//! The rule by table, and against random histories of monitors and people.

use super::*;
use IncidentMode::{Auto, Manual, Suggest};
use ServiceStatus::{DegradedPerformance, MajorOutage, PartialOutage};
use proptest::prelude::*;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000 + seconds * 1000)
}

fn incident(number: u128) -> IncidentId {
    IncidentId::new(Uuid::from_u128(number))
}

fn suggestion(number: u128) -> SuggestionId {
    SuggestionId::new(Uuid::from_u128(number))
}

const DOWN: MonitorTally = MonitorTally { up: 0, degraded: 0, down: 1 };
const PARTLY: MonitorTally = MonitorTally { up: 1, degraded: 0, down: 1 };
const UP: MonitorTally = MonitorTally { up: 1, degraded: 0, down: 0 };
const NOBODY: MonitorTally = MonitorTally { up: 0, degraded: 0, down: 0 };

fn own() -> OpenIncident {
    OpenIncident {
        id: incident(1),
        is_engines_own: true,
        is_automatic: true,
        effect: MajorOutage,
        others_fail: false,
        end_suggested: None,
    }
}

/// The first outage of a service.
fn facts(mode: IncidentMode, monitors: MonitorTally, incidents: &[OpenIncident]) -> Facts<'_> {
    Facts {
        mode,
        was_in_trouble: monitors.down == 0,
        is_seen: monitors.down == 0,
        monitors,
        is_flapping: false,
        incidents,
        last_incident: None,
        suggestion: None,
        last_suggestion: None,
        now: at(0),
    }
}

#[test]
fn an_outage_is_told_as_the_service_asks_for() {
    for (mode, tally, acts) in [
        (Auto, DOWN, vec![Act::Open { status: MajorOutage }]),
        (Auto, PARTLY, vec![Act::Open { status: PartialOutage }]),
        (Suggest, DOWN, vec![Act::Suggest { status: MajorOutage }]),
        (Manual, DOWN, vec![]),
        (Auto, UP, vec![]),
        (Auto, NOBODY, vec![]),
    ] {
        assert_eq!(decide(&facts(mode, tally, &[])), acts, "{mode:?} {tally:?}");
    }
}

#[test]
fn what_is_open_already_is_joined() {
    // X53
    let by_person = OpenIncident { is_engines_own: false, is_automatic: false, ..own() };
    for mode in IncidentMode::ALL {
        assert_eq!(decide(&facts(mode, DOWN, &[by_person])), [], "{mode:?}");
    }
    let worse = OpenIncident { effect: PartialOutage, ..own() };
    let adjusted = Act::Adjust { incident: incident(1), status: MajorOutage };
    assert_eq!(decide(&facts(Auto, DOWN, &[worse])), [adjusted]);
    assert_eq!(decide(&facts(Suggest, DOWN, &[worse])), [], "nothing public without a person");
}

#[test]
fn only_the_begin_of_an_outage_opens_something() {
    // Somebody resolved the incident or dismissed the suggestion while the service was still down.
    for mode in IncidentMode::ALL {
        let later = Facts { was_in_trouble: true, ..facts(mode, DOWN, &[]) };
        assert_eq!(decide(&later), [], "{mode:?}");
    }
}

#[test]
fn the_end_resolves_what_is_the_engines_and_is_suggested_for_the_rest() {
    // X53
    let edited = OpenIncident { is_engines_own: false, ..own() };
    let person = OpenIncident { is_automatic: false, ..edited };
    let wide = OpenIncident { others_fail: true, ..edited };
    let known = OpenIncident { end_suggested: Some(suggestion(1)), ..edited };
    let end = Act::SuggestEnd { incident: incident(1) };
    for (mode, open, act) in [
        (Auto, own(), Some(Act::Resolve { incident: incident(1) })),
        (Auto, edited, Some(end)),
        (Auto, person, Some(end)),
        (Auto, wide, None),
        (Auto, known, None),
        (Suggest, own(), Some(end)),
        (Suggest, person, Some(end)),
        (Manual, own(), None),
    ] {
        assert_eq!(
            decide(&facts(mode, UP, &[open])),
            act.into_iter().collect::<Vec<_>>(),
            "{mode:?} {open:?}"
        );
    }
    let calm = Facts { was_in_trouble: false, ..facts(Auto, UP, std::slice::from_ref(&person)) };
    assert_eq!(decide(&calm), [], "an incident that has nothing to do with the monitors");
    let waits = Facts { suggestion: Some((suggestion(1), MajorOutage)), ..facts(Suggest, UP, &[]) };
    assert_eq!(decide(&waits), [Act::Withdraw { suggestion: suggestion(1) }]);
    let again = Facts { was_in_trouble: false, ..facts(Auto, DOWN, std::slice::from_ref(&known)) };
    assert_eq!(decide(&again), [Act::Withdraw { suggestion: suggestion(1) }], "it fails again");
}

#[test]
fn silence_is_no_end() {
    let gone = Facts { is_seen: false, ..facts(Auto, NOBODY, &[]) };
    let end = [Act::SuggestEnd { incident: incident(1) }];
    assert_eq!(decide(&Facts { incidents: &[own()], ..gone }), end);
    assert_eq!(decide(&Facts { incidents: &[own()], monitors: UP, ..gone }), end, "another one works");
    let person = OpenIncident { is_engines_own: false, is_automatic: false, ..own() };
    assert_eq!(decide(&Facts { incidents: &[person], ..gone }), []);
    let waits = Facts { suggestion: Some((suggestion(1), MajorOutage)), ..gone };
    assert_eq!(decide(&waits), [Act::Withdraw { suggestion: suggestion(1) }]);
}

#[test]
fn soon_after_the_end_the_same_incident_goes_on() {
    for (ago_s, is_same) in [(0, true), (599, true), (600, false)] {
        let last_incident = Some(Ended { id: incident(9), at: at(-ago_s) });
        let last_suggestion = Some(Ended { id: suggestion(9), at: at(-ago_s) });
        let told = |mode| decide(&Facts { last_incident, last_suggestion, ..facts(mode, DOWN, &[]) });
        let (status, fresh) = (MajorOutage, !is_same);
        let auto = Act::Reopen { incident: incident(9), status };
        assert_eq!(told(Auto), [if fresh { Act::Open { status } } else { auto }], "{ago_s}");
        let suggested = Act::SuggestAgain { suggestion: suggestion(9), status };
        assert_eq!(told(Suggest), [if fresh { Act::Suggest { status } } else { suggested }], "{ago_s}");
    }
}

#[test]
fn while_a_monitor_flaps_the_incident_stays() {
    let flapping = Facts { is_flapping: true, ..facts(Auto, UP, &[]) };
    let lowered = Act::Adjust { incident: incident(1), status: DegradedPerformance };
    assert_eq!(decide(&Facts { incidents: &[own()], ..flapping }), [lowered]);
    let waits = Facts { mode: Suggest, suggestion: Some((suggestion(1), MajorOutage)), ..flapping };
    assert_eq!(decide(&waits), []);
}

#[test]
fn titles_name_the_service_as_visitors_know_it() {
    assert_eq!(title(Some("API"), MajorOutage), "API is down");
    assert_eq!(title(Some("API"), PartialOutage), "API is partly down");
    assert_eq!(title(None, MajorOutage), "Outage");
    assert_eq!(title(None, PartialOutage), "Partial outage");
}

/// What can happen to one service with two monitors.
#[derive(Debug, Clone, Copy)]
enum Event {
    Flips {
        monitor: usize,
        to: Option<Health>,
    },
    Calms,
    Flaps,
    Mode(IncidentMode),
    /// A person writes on the n-th open incident, or resolves, or deletes it; or opens one.
    Writes(usize),
    Resolves(usize),
    Deletes(usize),
    Opens,
    Dismisses,
    Waits(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Up,
    Down,
}

/// All incidents that ever were, each with its whole story, and all that was suggested: slow and obvious.
#[derive(Default)]
struct World {
    mode: IncidentMode,
    /// `None`: not watched.
    monitors: [Option<Health>; 2],
    is_flapping: bool,
    incidents: Vec<Told>,
    suggestions: Vec<Waiting>,
    now: i64,
}

struct Told {
    is_automatic: bool,
    is_edited: bool,
    is_deleted: bool,
    effect: ServiceStatus,
    /// Whether open, and when it became so or not.
    story: Vec<(bool, i64)>,
}

impl Told {
    fn is_open(&self) -> bool {
        !self.is_deleted && self.story.last().unwrap().0
    }

    fn is_own(&self) -> bool {
        self.is_automatic && !self.is_edited
    }
}

struct Waiting {
    /// The incident to resolve; `None`: one to open.
    end_of: Option<usize>,
    is_open: bool,
    is_obsolete: bool,
    status: ServiceStatus,
    settled: i64,
}

impl World {
    fn tally(&self) -> MonitorTally {
        let count =
            |state| i32::try_from(self.monitors.iter().filter(|one| **one == Some(state)).count()).unwrap();
        MonitorTally { up: count(Health::Up), degraded: 0, down: count(Health::Down) }
    }

    fn waits(&self, end_of: Option<usize>) -> Option<usize> {
        self.suggestions.iter().position(|one| one.is_open && one.end_of == end_of)
    }

    fn facts_and_acts(&self, was_in_trouble: bool, is_seen: bool) -> Vec<Act> {
        let open: Vec<OpenIncident> = (0..)
            .zip(&self.incidents)
            .filter(|(_, one)| one.is_open())
            .map(|(place, one)| OpenIncident {
                id: incident(place),
                is_engines_own: one.is_own(),
                is_automatic: one.is_automatic,
                effect: one.effect,
                others_fail: false,
                end_suggested: self
                    .waits(Some(usize::try_from(place).unwrap()))
                    .map(|place| suggestion(place as u128)),
            })
            .collect();
        let ended =
            (0..).zip(&self.incidents).filter(|(_, one)| one.is_own() && !one.is_deleted && !one.is_open());
        let withdrawn =
            (0..).zip(&self.suggestions).filter(|(_, one)| one.end_of.is_none() && one.is_obsolete);
        decide(&Facts {
            mode: self.mode,
            was_in_trouble,
            is_seen,
            monitors: self.tally(),
            is_flapping: self.is_flapping,
            incidents: &open,
            last_incident: ended
                .map(|(place, one)| Ended { id: incident(place), at: at(one.story.last().unwrap().1) })
                .max_by_key(|ended| ended.at),
            suggestion: self
                .waits(None)
                .map(|place| (suggestion(place as u128), self.suggestions[place].status)),
            last_suggestion: withdrawn
                .map(|(place, one)| Ended { id: suggestion(place), at: at(one.settled) })
                .max_by_key(|ended| ended.at),
            now: at(self.now),
        })
    }

    fn happens(&mut self, event: Event) {
        let was_down = self.tally().down > 0;
        let open: Vec<usize> =
            (0..self.incidents.len()).filter(|place| self.incidents[*place].is_open()).collect();
        let chosen = |number: usize| open.get(number % open.len().max(1)).copied();
        match event {
            Event::Waits(seconds) => self.now += seconds,
            Event::Flaps => self.is_flapping = true,
            Event::Mode(mode) => {
                self.mode = mode;
                if mode == Manual {
                    self.suggestions.iter_mut().filter(|one| one.is_open).for_each(|one| {
                        (one.is_open, one.is_obsolete, one.settled) = (false, true, self.now);
                    });
                }
            }
            Event::Writes(number) => {
                if let Some(place) = chosen(number) {
                    self.incidents[place].is_edited = true;
                }
            }
            Event::Resolves(number) => {
                if let Some(place) = chosen(number) {
                    self.incidents[place].is_edited = true;
                    self.incidents[place].story.push((false, self.now));
                    self.settle(Some(place));
                }
            }
            Event::Deletes(number) => {
                if let Some(place) = chosen(number) {
                    self.incidents[place].is_deleted = true;
                    self.settle(Some(place));
                }
            }
            Event::Opens => {
                self.settle(None);
                self.opens(false, DegradedPerformance);
            }
            Event::Dismisses => {
                if let Some(place) = self.suggestions.iter().position(|one| one.is_open) {
                    self.suggestions[place].is_open = false;
                }
            }
            Event::Calms if self.is_flapping => {
                self.is_flapping = false;
                self.follows(true, self.tally().up > 0);
            }
            Event::Flips { monitor, to } if self.monitors[monitor] != to => {
                self.monitors[monitor] = to;
                self.follows(was_down, to == Some(Health::Up));
            }
            Event::Calms | Event::Flips { .. } => {}
        }
    }

    fn settle(&mut self, end_of: Option<usize>) {
        if let Some(place) = self.waits(end_of) {
            let one = &mut self.suggestions[place];
            (one.is_open, one.is_obsolete, one.settled) = (false, true, self.now);
        }
    }

    fn opens(&mut self, is_automatic: bool, effect: ServiceStatus) {
        let story = vec![(true, self.now)];
        self.incidents.push(Told { is_automatic, is_edited: false, is_deleted: false, effect, story });
    }

    /// Lets the rule act, and judges each act by what may be done at all.
    fn follows(&mut self, was_in_trouble: bool, is_seen: bool) {
        let acts = self.facts_and_acts(was_in_trouble, is_seen);
        let had_open = self.incidents.iter().any(Told::is_open);
        assert!(self.mode != Manual || acts.is_empty(), "manual means nothing");
        for act in &acts {
            self.applies(*act);
        }
        let own = self.incidents.iter().filter(|one| one.is_open() && one.is_own()).count();
        assert!(own <= 1, "at most one open automatic incident");
        let (is_down, is_auto) = (self.tally().down > 0, self.mode == Auto);
        let told = had_open || self.waits(None).is_some();
        if is_down && !was_in_trouble && is_auto {
            let open = self.incidents.iter().filter(|one| one.is_open()).count();
            assert!(told || open == 1, "an outage that nobody told is told");
        }
        if is_down && !was_in_trouble && self.mode == Suggest {
            assert!(told, "or suggested");
        }
        if !is_down && is_seen && !self.is_flapping {
            assert!(!is_auto || own == 0, "the engine ends what it began");
            assert!(self.mode == Manual || self.waits(None).is_none(), "nothing waits after the end");
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each act, each with what must hold before it")]
    fn applies(&mut self, act: Act) {
        let place = |id: Uuid| usize::try_from(id.as_u128()).unwrap();
        let is_suggesting = matches!(
            act,
            Act::Suggest { .. }
                | Act::SuggestAgain { .. }
                | Act::AdjustSuggestion { .. }
                | Act::SuggestEnd { .. }
                | Act::Withdraw { .. }
        );
        assert!(is_suggesting || self.mode == Auto, "{act:?} is public");
        let now = self.now;
        match act {
            Act::Open { status } => {
                assert!(self.incidents.iter().all(|one| !one.is_open()), "X53");
                self.opens(true, status);
            }
            Act::Reopen { incident, status } => {
                let one = &mut self.incidents[place(incident.uuid())];
                assert!(one.is_own() && !one.is_deleted && !one.is_open());
                assert!(now - one.story.last().unwrap().1 < REOPEN_WITHIN_MS / 1000);
                one.story.push((true, now));
                one.effect = status;
            }
            Act::Adjust { incident, status } => {
                let one = &mut self.incidents[place(incident.uuid())];
                assert!(one.is_own() && one.is_open() && one.effect != status);
                one.effect = status;
            }
            Act::Resolve { incident } => {
                let one = &mut self.incidents[place(incident.uuid())];
                assert!(one.is_own(), "never what a person edited (X53)");
                assert!(one.is_open(), "no step is skipped (F-01)");
                one.story.push((false, now));
                self.settle(Some(place(incident.uuid())));
            }
            Act::Suggest { status } => {
                assert!(self.waits(None).is_none());
                self.suggestions.push(Waiting {
                    end_of: None,
                    is_open: true,
                    is_obsolete: false,
                    status,
                    settled: now,
                });
            }
            Act::SuggestEnd { incident } => {
                let end_of = Some(place(incident.uuid()));
                assert!(self.waits(end_of).is_none() && self.incidents[place(incident.uuid())].is_open());
                self.suggestions.push(Waiting {
                    end_of,
                    is_open: true,
                    is_obsolete: false,
                    status: ServiceStatus::Operational,
                    settled: now,
                });
            }
            Act::SuggestAgain { suggestion, status } => {
                let one = &mut self.suggestions[place(suggestion.uuid())];
                assert!(one.is_obsolete && !one.is_open);
                (one.is_open, one.is_obsolete, one.status) = (true, false, status);
            }
            Act::AdjustSuggestion { suggestion, status } => {
                let one = &mut self.suggestions[place(suggestion.uuid())];
                assert!(one.is_open && one.status != status);
                one.status = status;
            }
            Act::Withdraw { suggestion } => {
                let one = &mut self.suggestions[place(suggestion.uuid())];
                assert!(one.is_open);
                (one.is_open, one.is_obsolete, one.settled) = (false, true, now);
            }
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let health = prop_oneof![3 => Just(Some(Health::Up)), 3 => Just(Some(Health::Down)), 1 => Just(None)];
    prop_oneof![
        12 => (0_usize..2, health).prop_map(|(monitor, to)| Event::Flips { monitor, to }),
        1 => Just(Event::Calms),
        1 => Just(Event::Flaps),
        2 => prop_oneof![3 => Just(Auto), 2 => Just(Suggest), 1 => Just(Manual)].prop_map(Event::Mode),
        1 => (0_usize..3).prop_map(Event::Writes),
        1 => (0_usize..3).prop_map(Event::Resolves),
        1 => (0_usize..3).prop_map(Event::Deletes),
        1 => Just(Event::Opens),
        1 => Just(Event::Dismisses),
        4 => (1_i64..1200).prop_map(Event::Waits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_history_of_monitors_and_people_breaks_the_rules(events in proptest::collection::vec(event(), 1..60)) {
        let mut world = World::default();
        for event in events {
            world.happens(event);
            for told in &world.incidents {
                let is_alternating = told.story.windows(2).all(|pair| pair[0].0 != pair[1].0);
                prop_assert!(told.story[0].0 && is_alternating, "no skipped step (F-01)");
            }
        }
    }

    #[test]
    fn alone_with_its_monitors_an_automatic_service_has_an_incident_exactly_while_it_is_down(
        flips in proptest::collection::vec((0_usize..2, any::<bool>(), 0_i64..900), 1..60),
    ) {
        let mut world = World { mode: Auto, ..World::default() };
        for (monitor, is_up, seconds) in flips {
            let to = Some(if is_up { Health::Up } else { Health::Down });
            world.happens(Event::Flips { monitor, to });
            let open: Vec<&Told> = world.incidents.iter().filter(|one| one.is_open()).collect();
            prop_assert_eq!(open.len(), usize::from(world.tally().down > 0));
            prop_assert!(open.iter().all(|one| Some(one.effect) == world.tally().status()));
            prop_assert!(world.suggestions.is_empty());
            world.happens(Event::Waits(seconds));
        }
    }
}
