//! The command line. Every option is also an environment variable; `--help` documents both, and
//! `.env.example` is generated from here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use signalbox_model::setting;

use crate::config::Secret;

/// Signalbox: an operations console for background job pipelines.
#[derive(Debug, Clone, Parser)]
#[command(name = "signalbox", version, about)]
pub struct Cli {
    /// What to run; everything in one process when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options, the same for every command.
    #[command(flatten)]
    pub options: Options,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Web, worker and scheduler in one process (the default).
    Serve,
    /// The console and the API only.
    Web,
    /// A worker only.
    Worker,
    /// The scheduler only.
    Scheduler,
    /// Bring the database schema up to date, then exit.
    Migrate,
    /// Create the first admin from ADMIN_EMAIL and ADMIN_PASSWORD, then exit.
    CreateAdmin,
    /// Check the configuration, the database and the built files, then exit.
    Doctor,
    /// Ask the console on SIGNALBOX_ADDR whether it is ready, then exit; with an error if it is not.
    Health,
    /// Open every key in the vault, then exit; with an error if one cannot be.
    VerifyVault,
    /// Encrypt every key in the vault anew with the current master key, then exit.
    RotateVaultKey,
    /// Compute the audit log's chain of seals anew, then exit; with an error if it is broken.
    VerifyAudit,
    /// Restore a backup into an empty database, compare it with what stands beside the file, then
    /// exit; with an error if it is not the same.
    Restore {
        /// The backup's file, such as .data/backups/signalbox_20260101T033000Z_1.dump.
        file: PathBuf,
    },
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that can be configured.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address and port of the console.
    #[arg(long, env = "SIGNALBOX_ADDR", value_name = "SIGNALBOX_ADDR", global = true)]
    #[arg(default_value = "127.0.0.1:3000")]
    pub addr: SocketAddr,

    /// Where the private database cluster lives.
    #[arg(long, env = "SIGNALBOX_DATA_DIR", value_name = "SIGNALBOX_DATA_DIR", global = true)]
    #[arg(default_value = ".data")]
    pub data_dir: PathBuf,

    /// Where backups of the database are kept; a folder of the data directory when unset. Workers on
    /// several machines need one that they share.
    #[arg(long, env = "SIGNALBOX_BACKUP_DIR", value_name = "SIGNALBOX_BACKUP_DIR", global = true)]
    pub backup_dir: Option<PathBuf>,

    /// The PostgreSQL database to use; a private cluster in the data directory when unset.
    #[arg(long, env = "DATABASE_URL", value_name = "DATABASE_URL", global = true)]
    #[arg(hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// true after a roll back: the database's schema may be newer than this binary.
    #[arg(long, env = "SIGNALBOX_ROLLED_BACK", value_name = "SIGNALBOX_ROLLED_BACK")]
    #[arg(global = true, action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    #[arg(default_value = "false", hide_possible_values = true)]
    pub rolled_back: bool,

    /// Master key of the vault: 32 bytes in base64. Unset: kept in vault.key in the data directory,
    /// and made there.
    #[arg(long, env = "SIGNALBOX_VAULT_KEY", value_name = "SIGNALBOX_VAULT_KEY", global = true)]
    #[arg(hide_env_values = true)]
    pub vault_key: Option<Secret>,

    /// Older master keys, separated by commas: what they have encrypted can still be read.
    #[arg(long, env = "SIGNALBOX_VAULT_OLD_KEYS", value_name = "SIGNALBOX_VAULT_OLD_KEYS")]
    #[arg(global = true, hide_env_values = true)]
    pub vault_old_keys: Option<Secret>,

    /// E-mail of the first admin; used only while no user exists.
    #[arg(long, env = "ADMIN_EMAIL", value_name = "ADMIN_EMAIL", global = true)]
    pub admin_email: Option<String>,

    /// Password of the first admin; a one-time password is printed when unset.
    #[arg(long, env = "ADMIN_PASSWORD", value_name = "ADMIN_PASSWORD", global = true)]
    #[arg(hide_env_values = true)]
    pub admin_password: Option<Secret>,

    /// Other origins that may send changes, such as https://ops.example.com, separated by commas.
    #[arg(long, env = "ALLOWED_ORIGINS", value_name = "ALLOWED_ORIGINS", global = true)]
    pub allowed_origins: Option<String>,

    /// true where a proxy terminates TLS in front: cookies are sent over https only, and HSTS is on.
    #[arg(long, env = "SIGNALBOX_SECURE_COOKIES", value_name = "SIGNALBOX_SECURE_COOKIES")]
    #[arg(global = true, action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    #[arg(default_value = "false", hide_possible_values = true)]
    pub secure_cookies: bool,

    /// From where health and metrics may be read without signing in: addresses and CIDRs, separated by
    /// commas or as a JSON array.
    #[arg(long, env = "HEALTH_ALLOWLIST", value_name = "HEALTH_ALLOWLIST", global = true)]
    pub health_allowlist: Option<String>,

    /// Proxies in front of the console whose X-Forwarded-For says who asks: as HEALTH_ALLOWLIST.
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "TRUSTED_PROXIES", global = true)]
    pub trusted_proxies: Option<String>,

    /// E-mails of those who may read GET /api/ops/queues, separated by commas; everybody who may see the
    /// console when unset.
    #[arg(long, env = "OPS_ADMIN_EMAILS", value_name = "OPS_ADMIN_EMAILS", global = true)]
    pub ops_admin_emails: Option<String>,
    /// Whom to tell of a security hole, such as mailto:security@example.com; stands in
    /// /.well-known/security.txt.
    #[arg(long, env = "SECURITY_CONTACT", value_name = "SECURITY_CONTACT", global = true)]
    pub security_contact: Option<String>,

    /// Name of this installation, shown in the console's top strip.
    #[arg(long, env = "SIGNALBOX_ENVIRONMENT", value_name = "SIGNALBOX_ENVIRONMENT")]
    #[arg(global = true, default_value = "local", value_parser = NonEmptyStringValueParser::new())]
    pub environment: String,

    /// Where people reach the console, such as https://ops.example.com: what alerts link to.
    #[arg(long, env = "SIGNALBOX_URL", value_name = "SIGNALBOX_URL", global = true)]
    pub url: Option<String>,

    /// Where alerts are posted, as Slack and what speaks like it takes them: {"text": …}.
    #[arg(long, env = "ALERT_WEBHOOK_URL", value_name = "ALERT_WEBHOOK_URL", global = true)]
    #[arg(hide_env_values = true)]
    pub alert_webhook_url: Option<Secret>,

    /// Key that posted alerts are signed with, by HMAC-SHA256 in x-signalbox-signature.
    #[arg(long, env = "ALERT_WEBHOOK_SECRET", value_name = "ALERT_WEBHOOK_SECRET")]
    #[arg(global = true, hide_env_values = true)]
    pub alert_webhook_secret: Option<Secret>,

    /// Whom alerts are mailed to, such as ops@example.com, separated by commas.
    #[arg(long, env = "ALERT_EMAIL_TO", value_name = "ALERT_EMAIL_TO", global = true)]
    pub alert_email_to: Option<String>,

    /// Whom they are from, such as Signalbox <signalbox@example.com>.
    #[arg(long, env = "ALERT_EMAIL_FROM", value_name = "ALERT_EMAIL_FROM", global = true)]
    pub alert_email_from: Option<String>,

    /// The server that takes mail: smtps://user:password@host, smtp://… for STARTTLS, or
    /// smtp://…?tls=off for neither.
    #[arg(long, env = "SMTP_URL", value_name = "SMTP_URL", global = true)]
    #[arg(hide_env_values = true)]
    pub smtp_url: Option<Secret>,

    /// Where the built browser files are.
    #[arg(long, env = "SIGNALBOX_SITE_ROOT", value_name = "SIGNALBOX_SITE_ROOT", global = true)]
    #[arg(default_value = "target/site")]
    pub site_root: PathBuf,

    /// Jobs that this process runs at once.
    #[arg(long, env = "WORKER_CONCURRENCY", value_name = "WORKER_CONCURRENCY", global = true)]
    #[arg(default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub worker_concurrency: u16,

    /// Endpoint of the MCP provider of pipeline `domains`.
    #[arg(long, env = "MCP_BASE_URL", value_name = "MCP_BASE_URL", global = true)]
    #[arg(hide_env_values = true)]
    pub mcp_base_url: Option<Secret>,

    /// Key of the MCP provider.
    #[arg(long, env = "MCP_API_KEY", value_name = "MCP_API_KEY", global = true)]
    #[arg(hide_env_values = true)]
    pub mcp_api_key: Option<Secret>,

    /// Deadline of one MCP call, in milliseconds.
    #[arg(long, env = "MCP_TIMEOUT_MS", value_name = "MCP_TIMEOUT_MS", global = true)]
    #[arg(default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub mcp_timeout_ms: u64,

    /// Failures in a row that open the MCP breaker, until an operator sets it in the console
    /// (5 when unset).
    #[arg(long, env = "MCP_CB_FAILURE_THRESHOLD", value_name = "MCP_CB_FAILURE_THRESHOLD")]
    #[arg(global = true, value_parser = |text: &str| whole_number("mcp_cb_failure_threshold", text))]
    pub mcp_cb_failure_threshold: Option<i64>,

    /// How long the MCP breaker stays open, in milliseconds, until an operator sets it in the
    /// console (60000 when unset).
    #[arg(long, env = "MCP_CB_COOLDOWN_MS", value_name = "MCP_CB_COOLDOWN_MS", global = true)]
    #[arg(value_parser = |text: &str| whole_number("mcp_cb_cooldown_ms", text))]
    pub mcp_cb_cooldown_ms: Option<i64>,

    /// true: near a provider's own limit its rates are lowered by themselves, until an operator
    /// decides in the console (off when unset).
    #[arg(
        long,
        env = "AUTO_THROTTLE_ENABLED",
        value_name = "AUTO_THROTTLE_ENABLED",
        global = true
    )]
    #[arg(value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub auto_throttle_enabled: Option<bool>,

    /// The share of a provider's own limit from which on its rates are lowered, until an operator
    /// sets it in the console (0.8 when unset).
    #[arg(long, env = "AUTO_THROTTLE_THRESHOLD", value_name = "AUTO_THROTTLE_THRESHOLD")]
    #[arg(global = true, value_parser = share_in_percent)]
    pub auto_throttle_threshold: Option<i64>,

    /// true: pages read the materialized views, until an operator decides in the console (off when
    /// unset).
    #[arg(long, env = "MATVIEWS_ENABLED", value_name = "MATVIEWS_ENABLED", global = true)]
    #[arg(value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub matviews_enabled: Option<bool>,

    /// Collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318; needs a build
    /// with the feature `otlp`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    #[arg(global = true, hide_env_values = true)]
    pub otlp_endpoint: Option<Secret>,

    /// Sentry project that errors are sent to; needs a build with the feature `sentry`.
    #[arg(long, env = "SENTRY_DSN", value_name = "SENTRY_DSN", global = true)]
    #[arg(hide_env_values = true)]
    pub sentry_dsn: Option<Secret>,

    /// How log lines are written.
    #[arg(long, env = "LOG_FORMAT", value_name = "LOG_FORMAT", global = true)]
    #[arg(default_value = "text")]
    pub log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by module.
    #[arg(long, env = "RUST_LOG", value_name = "RUST_LOG", global = true)]
    #[arg(default_value = "info,sqlx=warn,tower_sessions_core=error")]
    pub log: String,
}

/// A value for the setting `key`, within the range that the catalogue of settings gives it.
fn whole_number(key: &'static str, text: &str) -> Result<i64, String> {
    let value = text.trim().parse().map_err(|_| "must be a whole number".to_owned())?;
    setting::check(key, value).map(|_| value).map_err(|error| error.detail)
}

/// A share of one, such as 0.8, in whole percent, within the range of the throttle's setting.
fn share_in_percent(text: &str) -> Result<i64, String> {
    let spec = setting::setting("auto_throttle_threshold_percent");
    let (min, max) = spec.map_or((0, 100), |spec| (spec.min, spec.max));
    let percent = text.trim().parse::<f64>().map(|share| (share * 100.0).round() as i64);
    percent.ok().filter(|percent| (min..=max).contains(percent)).ok_or_else(|| {
        format!("must be a share from {} to {}", min as f64 / 100.0, max as f64 / 100.0)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_bad_value_names_the_variable_the_value_and_what_is_allowed() {
        let error = |args: &[&str]| Cli::try_parse_from(args).unwrap_err().to_string();
        let timeout = error(&["signalbox", "--mcp-timeout-ms", "5"]);
        assert!(timeout.contains("MCP_TIMEOUT_MS"), "{timeout}");
        assert!(timeout.contains("'5'") && timeout.contains("100..=600000"), "{timeout}");
        let threshold = error(&["signalbox", "--mcp-cb-failure-threshold", "0"]);
        assert!(threshold.contains("MCP_CB_FAILURE_THRESHOLD"), "{threshold}");
        assert!(threshold.contains("from 1 to 1000"), "{threshold}");
    }

    #[test]
    fn av_9_the_threshold_is_a_share() {
        let threshold = |text: &str| {
            Cli::try_parse_from(["signalbox", "--auto-throttle-threshold", text])
                .map(|cli| cli.options.auto_throttle_threshold)
        };
        assert_eq!(threshold("0.85").unwrap(), Some(85));
        for bad in ["80", "0", "1.2", "NaN", "most"] {
            let error = threshold(bad).unwrap_err().to_string();
            assert!(error.contains("AUTO_THROTTLE_THRESHOLD"), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let cli = Cli::try_parse_from(["signalbox", "--database-url", "postgres://u:hunter2@h/d"]);
        assert!(!format!("{cli:?}").contains("hunter2"));
    }

    #[test]
    fn options_may_follow_the_command() {
        let cli =
            Cli::try_parse_from(["signalbox", "worker", "--worker-concurrency", "7"]).unwrap();
        assert_eq!(cli.command, Some(Command::Worker));
        assert_eq!(cli.options.worker_concurrency, 7);
    }
}
