//! P-3: what a check costs beside a bare request, how punctual 5,000 monitors are, and what a restart or hanging
//! targets do to them. On SQLite, and on PostgreSQL when there is one.

use crate::fleet::{Fleet, Lateness, On, Stretch, is_healthy};
use crate::report::{Table, median, times};
use crate::target::Target;
use crate::{Bench, client};

/// Of the figures for punctuality.
const FLEET: usize = 5_000;
/// Of the figure for cost: 2,000 checks a second.
const LARGE_FLEET: usize = 60_000;

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let target = Target::start(&bench.runtime)?;
    bench.report.title("P-3  Checks, a new connection each");
    let bare = clients(bench, &target)?;
    for on in [On::Sqlite, On::Postgres] {
        if !cost(bench, &target, on, bare)? {
            bench.report.line("PostgreSQL is left out; with it: scripts/services scripts/bench");
            break;
        }
    }
    bench.report.title("P-3  Punctuality, 5,000 monitors every 30 s");
    let mut table =
        Table::new(&["", "checks", "p50 ms", "p99 ms", "slowest ms", "slots missed", "% of a core"]);
    steady(bench, &target, &mut table)?;
    bench.report.table(&table);
    Ok(())
}

/// Checks per CPU second of the bare client; tells those of the guarded one, too.
fn clients(bench: &mut Bench, target: &Target) -> anyhow::Result<f64> {
    let (mut bare, mut guarded) = (Vec::new(), Vec::new());
    for _ in 0..bench.choose(3, 1) {
        bare.push(client::measure("bare", target.port(), bench.choose(4, 1))?);
        guarded.push(client::measure("guarded", target.port(), bench.choose(4, 1))?);
    }
    let (bare, guarded) = (median(&bare), median(&guarded));
    bench.report.line(&format!(
        "Checks per CPU second without storing: {bare:.0} bare, {guarded:.0} through the guard ({})",
        times(guarded / bare)
    ));
    Ok(bare)
}

/// `false`: there is no such database here.
fn cost(bench: &mut Bench, target: &Target, on: On, bare: f64) -> anyhow::Result<bool> {
    let size = bench.choose(LARGE_FLEET, LARGE_FLEET / 10);
    let Some(mut fleet) = Fleet::start(bench, target, on, size)? else { return Ok(false) };
    // The burst of those that became due while they were filled in.
    fleet.watch(target, bench.choose(10, 2))?;
    let stretch = fleet.watch(target, bench.choose(20, 5))?;
    fleet.stop()?;
    let per_cpu_second = stretch.checks() / stretch.cpu_seconds;
    bench.report.line(&format!(
        "{} with {size} monitors every 30 s: {:.0} checks/s, {per_cpu_second:.0} per CPU second, {:.1} % of them stored",
        on.name(),
        stretch.checks() / stretch.seconds(),
        fleet.stored_share(bench, target)? * 100.0
    ));
    let figure = format!("P-3 checks per CPU second on {}, to bare", on.name());
    bench.report.figure(&figure, times(per_cpu_second / bare), "≥ 0.5 ×", "0.25 ×");
    Ok(true)
}

fn steady(bench: &mut Bench, target: &Target, table: &mut Table) -> anyhow::Result<()> {
    for on in [On::Sqlite, On::Postgres] {
        let Some(mut fleet) = Fleet::start(bench, target, on, FLEET)? else { break };
        fleet.watch(target, bench.choose(10, 3))?;
        let stretch = fleet.watch(target, bench.choose(60, 5))?;
        let late = fleet.lateness(&stretch, |_| true);
        row(table, on.name(), &stretch, late);
        let share = stretch.cpu_seconds / stretch.seconds() * 100.0;
        let name = |what: &str| format!("P-3 {what}, 5,000 monitors every 30 s, {}", on.name());
        bench.report.figure(
            &name("p99 behind the slot"),
            format!("{:.0} ms", late.p99),
            "≤ 100 ms",
            "250 ms",
        );
        bench.report.figure(&name("CPU"), format!("{share:.1} % of a core"), "≤ 5 %", "");
        if on == On::Sqlite {
            restart(bench, target, &mut fleet)?;
            hang(bench, target, &mut fleet, table)?;
        }
        fleet.stop()?;
    }
    Ok(())
}

fn row(table: &mut Table, name: &str, stretch: &Stretch, late: Lateness) {
    table.row([
        name.to_owned(),
        format!("{:.0}", stretch.checks()),
        format!("{:.0}", late.p50),
        format!("{:.0}", late.p99),
        format!("{:.0}", late.max),
        format!("{:.0}", late.missed),
        format!("{:.1}", stretch.cpu_seconds / stretch.seconds() * 100.0),
    ]);
}

/// Stop and start: nobody waits longer than an interval for the next check.
fn restart(bench: &mut Bench, target: &Target, fleet: &mut Fleet) -> anyhow::Result<()> {
    let stopped = fleet.restart(bench)?;
    fleet.watch(target, bench.choose(33, 5))?;
    let first = fleet.first_checks(target);
    let absent = first.iter().filter(|first| first.is_none()).count();
    let last = first.iter().flatten().copied().fold(0.0, f64::max);
    bench.report.line(&format!(
        "Restart (the stop took {stopped:.1} s): the last of {} monitors was checked {last:.1} s after exec, {absent} were not",
        first.len()
    ));
    let measured = if absent == 0 { format!("{last:.1} s") } else { format!("{absent} not checked") };
    bench.report.figure("P-3 restart: until each monitor was checked", measured, "≤ 30 s", "");
    Ok(())
}

/// Every tenth target takes the request and says nothing.
fn hang(bench: &mut Bench, target: &Target, fleet: &mut Fleet, table: &mut Table) -> anyhow::Result<()> {
    target.set_hanging(true);
    fleet.watch(target, bench.choose(12, 2))?;
    let stretch = fleet.watch(target, bench.choose(30, 5))?;
    target.set_hanging(false);
    let late = fleet.lateness(&stretch, is_healthy);
    row(table, "SQLite, 10 % of targets hang; the others", &stretch, late);
    let measured = format!("{:.0} ms", late.p99);
    bench.report.figure("P-3 p99 behind the slot while 10 % of targets hang", measured, "≤ 100 ms", "250 ms");
    Ok(())
}
