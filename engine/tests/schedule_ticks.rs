//! Done-when of OP-16: three schedulers over two years and five time zones, the changes of the
//! clocks included, and every tick is one job. What is expected is worked out without the code
//! under test: by walking through every minute and reading the clock on the wall.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use common::World;
use signalbox_engine::clock::TestClock;
use signalbox_engine::schedules::{self, ScheduleSpec};
use signalbox_model::Timestamp;
use signalbox_model::schedule::MissedTicks;

const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "America/New_York",
    // Its clocks are changed by half an hour.
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    // The clocks change at midnight.
    "America/Santiago",
];
const DAYS: [Weekday; 2] = [Weekday::Sun, Weekday::Wed];

/// A named time of day, chosen to lie where the zone's clocks change.
fn named(zone: &str) -> (&'static str, u32, u32) {
    match zone {
        "Australia/Lord_Howe" => ("15 2 * * 0,3", 2, 15),
        "America/Santiago" => ("30 0 * * 0,3", 0, 30),
        _ => ("30 2 * * 0,3", 2, 30),
    }
}

/// Through all hours of the Sundays of the months in which the zone's clocks are changed.
fn rhythm(zone: &str) -> (&'static str, [u32; 2]) {
    match zone {
        "America/New_York" => ("45 * * 3,11 SUN", [3, 11]),
        "Australia/Lord_Howe" => ("45 * * 4,10 SUN", [4, 10]),
        "America/Santiago" => ("45 * * 4,9 SUN", [4, 9]),
        _ => ("45 * * 3,10 SUN", [3, 10]),
    }
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn end() -> Timestamp {
    "2028-01-01T00:00:00Z".parse().unwrap()
}

/// Every minute of the two years.
fn all_minutes() -> impl Iterator<Item = Timestamp> {
    let seconds = (start().timestamp() + 60..end().timestamp()).step_by(60);
    seconds.map(|second| DateTime::<Utc>::from_timestamp(second, 0).unwrap())
}

/// What ticks when: name and moment of every tick, by looking at the clock every minute.
fn expected() -> BTreeSet<(Timestamp, String)> {
    let mut ticks = BTreeSet::new();
    for name in ZONES {
        let zone: Tz = name.parse().unwrap();
        let ((_, hour, minute), (_, months)) = (named(name), rhythm(name));
        let mut wanted: Vec<NaiveDateTime> = NaiveDate::from_ymd_opt(2025, 12, 31)
            .unwrap()
            .iter_days()
            .take(2 * 365 + 2)
            .filter(|day| DAYS.contains(&day.weekday()))
            .map(|day| day.and_hms_opt(hour, minute, 0).unwrap())
            .collect();
        let before = start().with_timezone(&zone).naive_local();
        wanted.retain(|time| *time > before);
        let mut wanted = wanted.into_iter().peekable();
        for at in all_minutes() {
            let wall = at.with_timezone(&zone).naive_local();
            if wanted.next_if(|time| *time <= wall).is_some() {
                ticks.insert((at, format!("{name} named")));
            }
            let in_rhythm = wall.minute() == 45
                && wall.weekday() == Weekday::Sun
                && months.contains(&wall.month());
            if in_rhythm {
                ticks.insert((at, format!("{name} rhythm")));
            }
        }
    }
    ticks
}

fn specs() -> Vec<ScheduleSpec> {
    ZONES
        .iter()
        .flat_map(|zone| {
            let named_name: &'static str = String::leak(format!("{zone} named"));
            let rhythm_name: &'static str = String::leak(format!("{zone} rhythm"));
            [(named_name, named(zone).0), (rhythm_name, rhythm(zone).0)].map(|(name, cron)| {
                ScheduleSpec {
                    time_zone: zone,
                    missed_ticks: MissedTicks::RunAll,
                    ..ScheduleSpec::new(name, "system.noop", cron)
                }
            })
        })
        .collect()
}

/// A small generator of reproducible chances.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One scheduler's turn, which may be cut off at any point, as by a crash.
async fn turn(world: &World, now: Timestamp, survives: Option<u64>) {
    let tick = schedules::tick(&world.db.pool, &world.registry, now);
    match survives {
        None => drop(tick.await.unwrap()),
        Some(steps) => {
            tokio::select! {
                biased;
                () = async { for _ in 0..steps { tokio::task::yield_now().await; } } => {}
                done = tick => drop(done.unwrap()),
            }
        }
    }
}

#[tokio::test]
async fn op_16_three_schedulers_run_each_tick_of_two_years_and_five_zones_once() {
    let expected = expected();
    let world = World::new().await;
    let clock = TestClock::at(start());
    let now = || signalbox_engine::clock::Clock::now(&*clock);
    schedules::declare(&world.db.pool, &specs(), now()).await.unwrap();

    let mut chance = Chance(0x5eed_0f71_c4e5);
    let mut moments: Vec<Timestamp> = expected.iter().map(|(at, _)| *at).collect();
    moments.dedup();
    for at in moments {
        let late = Duration::from_millis(chance.below(2000));
        if let Ok(wait) = (at - now()).to_std() {
            clock.advance(wait + late);
        }
        // Up to three believe that they lead, on clocks that differ; some are cut off.
        let mut one = || {
            let skew = chrono::Duration::milliseconds(chance.below(1500) as i64 - 750);
            let leads = chance.below(4) > 0;
            let survives = (chance.below(8) == 0).then(|| chance.below(400));
            leads.then_some((now() + skew, survives))
        };
        let turns = [one(), one(), one()];
        futures::future::join_all(
            turns.into_iter().flatten().map(|(now, survives)| turn(&world, now, survives)),
        )
        .await;
    }
    clock.advance(Duration::from_secs(60));
    turn(&world, end() - chrono::Duration::seconds(1), None).await;

    let jobs: i64 = world.count("jobs_ready").await;
    let keys: Vec<(String, i64)> = sqlx::query_as("SELECT key, job_id FROM idempotency_keys")
        .fetch_all(&world.db.pool)
        .await
        .unwrap();
    let mut ran: BTreeMap<(Timestamp, String), i64> = BTreeMap::new();
    for (key, _) in &keys {
        let rest = key.strip_prefix("schedule:").unwrap();
        let (name, at) = rest.split_once(':').unwrap();
        *ran.entry((at.parse().unwrap(), name.to_owned())).or_default() += 1;
    }
    assert!(ran.values().all(|times| *times == 1));
    let ran: BTreeSet<_> = ran.into_keys().collect();
    let missing: Vec<_> = expected.difference(&ran).take(5).collect();
    let surplus: Vec<_> = ran.difference(&expected).take(5).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
    assert_eq!(usize::try_from(jobs).unwrap(), expected.len(), "one job a tick");
    assert!(expected.len() > 3000, "{} ticks", expected.len());
}
