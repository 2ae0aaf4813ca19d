//! `signalbox doctor`: says what is wrong with an installation, and what to do about it.

use std::time::Duration;

use chrono::TimeDelta;
use signalbox_engine::db::{self, Examined};
use signalbox_engine::vault::health;
use signalbox_engine::{Ctx, backups, fleet};
use signalbox_model::backup::{Backups, STALE_HOURS};
use signalbox_model::fleet::Fleet;
use signalbox_model::format::{self, plural};
use signalbox_model::secret::VaultStatus;

use crate::config::Config;
use crate::database::Database;
use crate::run::RunError;
use crate::tools::say;

/// So far the clocks of two machines may be apart: leases and rates are counted by each one's own.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);
/// A tenth of all connections free is too little for another process.
const FREE_SHARE: i64 = 10;

/// What a check has found.
enum Finding {
    /// All is well.
    Well(String),
    /// Nothing is broken, but somebody should know.
    Note(String),
    /// It does not work, or loses something.
    Wrong(String),
}

use Finding::{Note, Well, Wrong};

type Check = (&'static str, Finding);

/// Checks everything, and prints what it finds.
///
/// # Errors
/// When a check fails.
pub async fn doctor(config: &Config) -> Result<(), RunError> {
    let mut checks: Vec<Check> = vec![("configuration", Well("valid".to_owned()))];
    match Database::open(config, Duration::ZERO).await {
        Ok(database) => {
            checks.extend(database_checks(&database.system).await);
            checks.push(("vault", vault(config, &database.system).await));
            checks.extend(backup_checks(&database.system, config).await);
            database.close().await;
        }
        Err(error) => checks.push(("database", Wrong(error.to_string()))),
    }
    checks.push(("browser files", browser_files(config)));
    checks.push(("provider", provider(config)));
    let mut failed = 0;
    for (name, finding) in &checks {
        match finding {
            Well(text) => say(&format!("ok    {name}: {text}")),
            Note(text) => say(&format!("note  {name}: {text}")),
            Wrong(text) => {
                failed += 1;
                say(&format!("FAIL  {name}: {text}"));
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(RunError::Doctor(failed)) }
}

async fn database_checks(ctx: &Ctx) -> Vec<Check> {
    let examined = match db::examine(&ctx.db).await {
        Ok(examined) => examined,
        Err(error) => return vec![("database", Wrong(error.to_string()))],
    };
    let version = format!("PostgreSQL {} answers, schema up to date", examined.version);
    let mut checks = vec![
        ("database", Well(version)),
        ("durability", durability(&examined)),
        ("clock", clock(examined.now - ctx.now())),
        ("connections", connections(&examined)),
    ];
    match fleet::read(ctx).await {
        Ok(fleet) => checks.extend([
            ("workers", workers(&fleet)),
            ("scheduler", scheduler(&fleet)),
            ("dead workers", lost(&fleet)),
        ]),
        Err(error) => checks.push(("workers", Wrong(error.to_string()))),
    }
    checks
}

async fn backup_checks(ctx: &Ctx, config: &Config) -> [Check; 2] {
    let programs = match backups::programs(&ctx.db, &config.backups()).await {
        Ok(dir) => Well(format!("pg_dump and pg_restore in {}", dir.display())),
        Err(error) => Note(error.to_string()),
    };
    let verified = match backups::list(ctx).await {
        Ok(backups) => last_verified(&backups),
        Err(error) => Wrong(error.to_string()),
    };
    [("backup programs", programs), ("last verified backup", verified)]
}

fn last_verified(backups: &Backups) -> Finding {
    let Some(at) = backups.last_verified().and_then(|backup| backup.started_at) else {
        return Note("there is none: take one under Database, Backups".to_owned());
    };
    let age = format::relative(at, backups.as_of);
    if (backups.as_of - at).num_hours() > STALE_HOURS {
        Note(format!("taken {age}: see whether the schedule backup is paused, or its jobs fail"))
    } else {
        Well(format!("taken {age}"))
    }
}

fn durability(examined: &Examined) -> Finding {
    let off: Vec<_> = [
        ("fsync", examined.fsync),
        ("full_page_writes", examined.full_page_writes),
        ("synchronous_commit", examined.synchronous_commit),
    ]
    .into_iter()
    .filter_map(|(name, on)| (!on).then_some(name))
    .collect();
    if off.is_empty() {
        Well("what is committed survives a crash of the machine".to_owned())
    } else {
        let off = off.join(", ");
        Wrong(format!("off: {off}. A crash of the machine loses work; turn them on"))
    }
}

fn clock(apart: TimeDelta) -> Finding {
    let ms = apart.num_milliseconds();
    if apart.abs() <= CLOCKS_APART {
        Well(format!("{ms} ms from the database's"))
    } else {
        Wrong(format!("{ms} ms from the database's: set it by NTP, or leases end early"))
    }
}

fn connections(examined: &Examined) -> Finding {
    let Examined { connections, max_connections, .. } = examined;
    let used = format!("{connections} of {max_connections} in use");
    if (max_connections - connections) * FREE_SHARE < *max_connections {
        Note(format!("{used}: raise max_connections before another process is started"))
    } else {
        Well(used)
    }
}

fn workers(fleet: &Fleet) -> Finding {
    let count = i64::try_from(fleet.at_work()).unwrap_or(i64::MAX);
    match (&fleet.stop, count) {
        (Some(stop), _) => Note(format!("all stopped by {}: {}", stop.by, stop.reason)),
        (None, 0) => Note("none takes jobs: start one with signalbox worker".to_owned()),
        (None, n) => Well(plural(n, "takes jobs", "take jobs")),
    }
}

fn scheduler(fleet: &Fleet) -> Finding {
    match (&fleet.scheduler.stop, fleet.scheduler.leads_since) {
        (Some(stop), _) => Note(format!("stopped by {}: {}", stop.by, stop.reason)),
        (None, Some(since)) => Well(format!("leads since {}", since.to_rfc3339())),
        (None, None) => Note("none leads: start one with signalbox scheduler".to_owned()),
    }
}

/// Workers that went without a word in the last day.
fn lost(fleet: &Fleet) -> Finding {
    let lost = fleet.workers.iter().filter(|worker| !worker.alive);
    let names: Vec<_> = lost.map(|worker| worker.name.as_str()).collect();
    if names.is_empty() {
        Well("none in the last day".to_owned())
    } else {
        Note(format!("gone without a word: {}. Their jobs run elsewhere", names.join(", ")))
    }
}

fn browser_files(config: &Config) -> Finding {
    let manifest = config.site_root.join("pkg/manifest.json");
    if manifest.is_file() {
        Well(config.site_root.display().to_string())
    } else {
        Wrong(format!("{} is missing: pages work, but nothing moves in them", manifest.display()))
    }
}

async fn vault(config: &Config, ctx: &Ctx) -> Finding {
    match health::health(ctx, &config.vault(ctx.db.clone())).await {
        Ok(found) if found.status == VaultStatus::Ok && found.expiring.is_empty() => {
            Well(found.words())
        }
        Ok(found) if found.status == VaultStatus::Ok => {
            Note(format!("expired, or within 14 days: {}", found.expiring.join(", ")))
        }
        // Before the first start there is no master key.
        Ok(found) if found.secrets == 0 => Note(found.words()),
        Ok(found) => Wrong(found.words()),
        Err(error) => Wrong(error.to_string()),
    }
}

fn provider(config: &Config) -> Finding {
    match &config.mcp.base_url {
        Some(_) => Well("MCP_BASE_URL is set".to_owned()),
        None => Wrong("MCP_BASE_URL is unset: pipeline domains cannot run".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wrong(finding: &Finding) -> bool {
        matches!(finding, Wrong(_))
    }

    #[test]
    fn st_1_clocks_that_are_apart_are_told_of() {
        assert!(!is_wrong(&clock(TimeDelta::milliseconds(-1900))));
        assert!(is_wrong(&clock(TimeDelta::seconds(-3))));
        assert!(is_wrong(&clock(TimeDelta::seconds(3))));
    }

    #[test]
    fn st_1_too_few_free_connections_are_told_of() {
        let examined = |connections| Examined {
            version: "15.0".to_owned(),
            now: chrono::DateTime::UNIX_EPOCH,
            fsync: true,
            full_page_writes: true,
            synchronous_commit: true,
            connections,
            max_connections: 100,
        };
        assert!(matches!(connections(&examined(80)), Well(_)));
        assert!(matches!(connections(&examined(95)), Note(_)));
    }
}
