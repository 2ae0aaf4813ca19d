//! The database as operators see it (JS-5, JS-7, CP-8): who is connected, what is slow, how large
//! the tables are, and what maintains them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A transaction open for longer than this holds back vacuum, and with it every table.
pub const LONG_TRANSACTION_MS: i64 = 5 * 60 * 1000;

/// More than this share of the connections in use is trouble ahead.
pub const CONNECTIONS_PERCENT: i64 = 80;

/// Connections of the whole server, by what they do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// Running a statement.
    pub active: i64,
    /// Waiting for their client, with no transaction open.
    pub idle: i64,
    /// Waiting for their client in the middle of a transaction, failed ones included.
    pub idle_in_transaction: i64,
    /// In any other state, or hidden from the console's role.
    pub other: i64,
    /// The most that the server takes.
    pub max: i64,
}

impl Connections {
    /// All of them.
    pub fn used(&self) -> i64 {
        self.active + self.idle + self.idle_in_transaction + self.other
    }

    /// The share in use, in percent.
    pub fn percent(&self) -> i64 {
        100 * self.used() / self.max.max(1)
    }
}

/// The pool of the console's own process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Connections that somebody works with.
    pub in_use: i64,
    /// Connections that are open and wait.
    pub idle: i64,
    /// The most it opens.
    pub max: i64,
}

/// One connection to this database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The server process that serves it.
    pub pid: i32,
    /// When it was opened. Process ids are used again: both together name a connection.
    pub started_at: Timestamp,
    /// Its role in the database.
    pub user: String,
    /// What it calls itself.
    pub application: String,
    /// Where it comes from.
    pub client: String,
    /// What it does, in PostgreSQL's words.
    pub state: String,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// When its transaction began, if one is open.
    pub transaction_since: Option<Timestamp>,
    /// Its statement, or its last one, without the constants in it.
    pub statement: String,
    /// It belongs to a Signalbox process.
    pub own: bool,
}

impl Session {
    /// What names it in a form: process id and opening, in microseconds since 1970.
    pub fn key(&self) -> String {
        format!("{}-{}", self.pid, self.started_at.timestamp_micros())
    }

    /// What [`key`](Session::key) says.
    pub fn parse_key(key: &str) -> Option<(i32, Timestamp)> {
        let (pid, micros) = key.trim().split_once('-')?;
        Some((pid.parse().ok()?, Timestamp::from_timestamp_micros(micros.parse().ok()?)?))
    }

    /// It does nothing, and holds nothing.
    pub fn is_idle(&self) -> bool {
        self.state == "idle"
    }
}

/// A statement that waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    /// The server process that waits.
    pub pid: i32,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What it wants to do.
    pub statement: String,
    /// The server processes that it waits for.
    pub blocked_by: Vec<i32>,
    /// What the first of them does, or did last.
    pub blocking_statement: String,
}

/// The oldest thing that keeps vacuum from removing dead rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OldestXmin {
    /// Transactions begun since.
    pub transactions: i64,
    /// What it is, such as `connection 4711`.
    pub holder: String,
}

/// One kind of statement, as pg_stat_statements counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Its text, with `$1` where constants stood.
    pub text: String,
    /// How often it ran.
    pub calls: i64,
    /// All its runs together.
    pub total_ms: i64,
    /// Its share of all statements' time, in percent.
    pub share_percent: i64,
    /// One run on average, in microseconds.
    pub mean_us: i64,
    /// Its longest run, in microseconds.
    pub max_us: i64,
    /// Rows that it returned or changed.
    pub rows: i64,
}

/// The statements that take the most time, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "state")]
pub enum Statements {
    /// They are counted.
    Counted {
        /// Since when.
        since: Option<Timestamp>,
        /// Those that took the most time in all.
        top: Vec<Statement>,
    },
    /// They are not.
    Missing {
        /// What is missing, and how to get it.
        remedy: String,
    },
}

/// The database as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Its name.
    pub name: String,
    /// PostgreSQL's version.
    pub version: String,
    /// Its size on the disk.
    pub bytes: i64,
    /// Connections of the whole server.
    pub connections: Connections,
    /// The pool of the console's own process.
    pub pool: Pool,
    /// Connections to this database: those in a transaction first, the oldest first; the rest by
    /// how long they have done nothing. At most 100.
    pub sessions: Vec<Session>,
    /// What waits for a lock.
    pub blocked: Vec<Blocked>,
    /// What keeps vacuum back, if anything does.
    pub oldest_xmin: Option<OldestXmin>,
    /// The statements that take the most time.
    pub statements: Statements,
    /// When this was read.
    pub as_of: Timestamp,
}

impl Database {
    /// The transactions that have been open for too long.
    pub fn long_transactions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| {
            session
                .transaction_since
                .is_some_and(|at| (self.as_of - at).num_milliseconds() > LONG_TRANSACTION_MS)
        })
    }
}

/// A table, its partitions counted in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Its name, quoted as in SQL.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i64,
    /// Rows that live, by the server's estimate.
    pub rows: i64,
    /// Rows that are dead and wait for vacuum, by the server's estimate.
    pub dead_rows: i64,
    /// Its size, without indexes.
    pub bytes: i64,
    /// The size of its indexes.
    pub index_bytes: i64,
    /// What it could do without, by the average width of its rows: empty and dead space.
    pub bloat_bytes: i64,
    /// When the last of its partitions was vacuumed, by hand or by itself.
    pub vacuumed_at: Option<Timestamp>,
    /// When the last of its partitions was analyzed, by hand or by itself.
    pub analyzed_at: Option<Timestamp>,
    /// Times it was read from end to end.
    pub whole_reads: i64,
    /// Times it was read by an index.
    pub index_reads: i64,
}

impl Table {
    /// The dead share of its rows, in percent.
    pub fn dead_percent(&self) -> i64 {
        100 * self.dead_rows / (self.rows + self.dead_rows).max(1)
    }
}

/// An index, those of its partitions counted in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Its name, quoted as in SQL.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Times it was used.
    pub scans: i64,
    /// Its size.
    pub bytes: i64,
    /// It keeps a rule (a key, a constraint), used or not.
    pub keeps_rule: bool,
    /// A broken-off rebuilding left it unusable.
    pub invalid: bool,
}

impl Index {
    /// It was never used and keeps no rule: only writes pay for it.
    pub fn is_idle(&self) -> bool {
        self.scans == 0 && !self.keeps_rule
    }
}

/// The tables and their indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tables {
    /// The largest first.
    pub tables: Vec<Table>,
    /// The largest first.
    pub indexes: Vec<Index>,
    /// Since when uses are counted.
    pub counted_since: Option<Timestamp>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What maintains a table (JS-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Counts anew what the planner goes by.
    Analyze,
    /// Frees dead rows' space, and analyzes.
    Vacuum,
    /// Builds the indexes anew, beside the old ones.
    Reindex,
}

impl Task {
    /// Every task.
    pub const ALL: [Task; 3] = [Task::Analyze, Task::Vacuum, Task::Reindex];

    /// The stable name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Analyze => "analyze",
            Task::Vacuum => "vacuum",
            Task::Reindex => "reindex",
        }
    }

    /// The task with this stable name.
    pub fn from_name(name: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.name() == name)
    }

    /// The statement that does it, without the table.
    pub const fn statement(self) -> &'static str {
        match self {
            Task::Analyze => "ANALYZE",
            Task::Vacuum => "VACUUM (ANALYZE)",
            Task::Reindex => "REINDEX TABLE CONCURRENTLY",
        }
    }

    /// What it does and costs, for whoever is about to ask for it.
    pub const fn describe(self) -> &'static str {
        match self {
            Task::Analyze => "Counts anew what the planner goes by. Seconds; nobody waits for it.",
            Task::Vacuum => {
                "Frees the space of dead rows for new ones, and analyzes. Reads whole tables; nobody waits for it."
            }
            Task::Reindex => {
                "Builds the indexes anew beside the old ones. Needs their space once more; waits for open transactions, and nobody for it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn js_5_a_connection_is_named_by_process_and_opening() {
        let started_at = Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let session = Session {
            pid: 4711,
            started_at,
            user: String::new(),
            application: String::new(),
            client: String::new(),
            state: "idle".to_owned(),
            state_since: None,
            transaction_since: None,
            statement: String::new(),
            own: false,
        };
        assert_eq!(Session::parse_key(&session.key()), Some((4711, started_at)));
        for bad in ["", "4711", "x-1", "1-x", "4711-99999999999999999999"] {
            assert_eq!(Session::parse_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn js_7_task_names_round_trip() {
        for task in Task::ALL {
            assert_eq!(Task::from_name(task.name()), Some(task));
        }
    }
}
