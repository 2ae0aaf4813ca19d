//! The peers: which, at which version, and the settings they are known to be fastest with.

use std::path::{Path, PathBuf};

use crate::contender::{Contender, Product, Program, Tables, Work};
use crate::options::Options;
use crate::ours::Ours;

/// Where the peers for Node.js are.
const NODE: &str = "bench/peers/node";

const GRAPHILE_TABLES: Tables = Tables {
    claimed: "graphile_worker._private_jobs",
    waiting: "SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)",
    unfinished: "SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)",
};

/// Signalbox.
pub fn ours(options: &Options) -> Product {
    Product {
        key: "signalbox",
        name: "Signalbox",
        version: env!("CARGO_PKG_VERSION"),
        keeps_history: true,
        tables: Tables {
            claimed: "jobs_ready",
            waiting: "SELECT EXISTS (SELECT FROM jobs_ready)",
            unfinished: "SELECT EXISTS (SELECT FROM jobs_ready) OR EXISTS (SELECT FROM jobs_running)",
        },
        program: Program::Ours(Ours { binary: options.bin_dir.join("signalbox") }),
        missing: None,
    }
}

/// Graphile Worker, for Node.js.
pub fn graphile_worker() -> Product {
    node("graphile_worker", "graphile-worker", "0.18.0", false, GRAPHILE_TABLES)
}

/// graphile_worker, for Rust.
pub fn graphile_worker_rs(options: &Options) -> Product {
    let mut product =
        rust(options, "graphile_worker", "graphile_worker (Rust)", "0.14.1", GRAPHILE_TABLES);
    product.key = "graphile_worker_rs";
    product.keeps_history = false;
    product
}

/// pg-boss.
pub fn pg_boss() -> Product {
    let tables = Tables {
        claimed: "pgboss.job",
        waiting: "SELECT EXISTS (SELECT FROM pgboss.job WHERE name = 'noop' AND state < 'active')",
        unfinished: "SELECT EXISTS (SELECT FROM pgboss.job WHERE name = 'noop' AND state < 'completed')",
    };
    node("pg_boss", "pg-boss", "12.35.0", true, tables)
}

/// River's client for Rust.
pub fn river(options: &Options) -> Product {
    let tables = Tables {
        claimed: "river_job",
        waiting: "SELECT EXISTS (SELECT FROM river_job WHERE state = 'available')",
        unfinished: "SELECT EXISTS (SELECT FROM river_job WHERE finalized_at IS NULL)",
    };
    rust(options, "river", "River (Rust)", "0.5.0", tables)
}

/// apalis-postgres.
pub fn apalis(options: &Options) -> Product {
    let tables = Tables {
        claimed: "apalis.jobs",
        waiting: "SELECT EXISTS (SELECT FROM apalis.jobs WHERE status = 'Pending')",
        unfinished: "SELECT EXISTS (SELECT FROM apalis.jobs WHERE status <> 'Done')",
    };
    rust(options, "apalis", "apalis-postgres", "1.0.0", tables)
}

/// awa.
pub fn awa(options: &Options) -> Product {
    let tables = Tables {
        claimed: "awa.queue_claim_heads",
        waiting: "SELECT EXISTS (SELECT FROM awa.jobs WHERE state IN ('available', 'running'))",
        unfinished: "SELECT EXISTS (SELECT FROM awa.jobs WHERE state IN ('available', 'running'))",
    };
    rust(options, "awa", "awa", "0.6.9", tables)
}

/// Everybody who drains, ours first, in the order of a round.
pub fn contenders(options: &Options) -> Vec<Contender> {
    let ours = ours(options);
    let graphile = graphile_worker();
    let one = |product: Product, settings| contender(product, "", settings, Work::Best(0), 1);
    vec![
        contender(ours.clone(), "1 process", "concurrency 2,000", Work::Best(2000), 1),
        contender(ours.clone(), "2 processes", "concurrency 1,000 each", Work::Best(1000), 2),
        contender(ours, "as shipped", "concurrency 500, no option set", Work::Default, 1),
        contender(
            graphile.clone(),
            "1 process",
            "concurrency 24, local queue 1,000 (refetch 10 ms), completeJobBatchDelay 0, poll 10 ms",
            Work::Best(0),
            1,
        ),
        contender(graphile, "2 processes", "as with one, each", Work::Best(0), 2),
        one(
            graphile_worker_rs(options),
            "concurrency 500, local queue 1,000, complete_job_batch_delay 5 ms, poll 5 ms",
        ),
        one(pg_boss(), "batchSize 1,000, localConcurrency 4, burstWhenBatchFull, LISTEN/NOTIFY"),
        one(river(options), "2,000 workers, fetch cooldown 1 ms, poll 5 ms"),
        one(
            apalis(options),
            "batch 2,000, LISTEN/NOTIFY, poll 5 ms, spawned, no task lock, heartbeat 1 s",
        ),
        one(awa(options), "2,000 workers, 2 claimers, claim batch 512, poll 5 ms"),
    ]
}

fn contender(
    product: Product,
    variant: &'static str,
    settings: &'static str,
    work: Work,
    processes: usize,
) -> Contender {
    Contender { product, variant, settings, work, processes }
}

fn node(
    key: &'static str,
    name: &'static str,
    version: &'static str,
    keeps_history: bool,
    tables: Tables,
) -> Product {
    let platform = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let node = PathBuf::from(NODE).join(format!("node_modules/node-linux-{platform}/bin/node"));
    let script = PathBuf::from(NODE).join(format!("{}.mjs", name));
    let installed = PathBuf::from(NODE).join("node_modules").join(name);
    let missing = [&node, &installed].into_iter().find(|path| !path.exists()).map(not_there);
    let program = Program::Peer(vec![node, script]);
    Product { key, name, version, keeps_history, tables, program, missing }
}

fn rust(
    options: &Options,
    binary: &'static str,
    name: &'static str,
    version: &'static str,
    tables: Tables,
) -> Product {
    let path = options.peers_dir.join(binary);
    let missing = (!path.exists()).then(|| not_there(&path));
    let program = Program::Peer(vec![path]);
    Product { key: binary, name, version, keeps_history: true, tables, program, missing }
}

fn not_there(path: impl AsRef<Path>) -> String {
    format!("not installed: {} is not there", path.as_ref().display())
}
