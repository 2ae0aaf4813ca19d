//! The configuration, checked as a whole before anything starts.

mod mail;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use signalbox_engine::PgPool;
use signalbox_engine::backups::Place;
use signalbox_engine::vault::Vault;
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_pipelines::ProviderConfig;
use signalbox_pipelines::mcp::ApiKey;
use url::Url;

pub use self::mail::{MailOptions, SmtpServer, SmtpTls};
use crate::cli::{LogFormat, Options};
use crate::network::Networks;

/// A value that neither `Debug` nor an error shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Secret {
        Secret(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value} cannot be used: {allowed}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What it holds; `(hidden)` for a secret.
    pub value: String,
    /// What it may hold.
    pub allowed: &'static str,
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the console listens.
    pub addr: SocketAddr,
    /// Where the private cluster lives.
    pub data_dir: PathBuf,
    /// Where backups are kept.
    pub backup_dir: PathBuf,
    /// The database; a private cluster when absent.
    pub database_url: Option<Secret>,
    /// The schema may be newer than this binary.
    pub rolled_back: bool,
    /// Master key of the vault; in the data directory when absent.
    pub vault_key: Option<Secret>,
    /// Older ones.
    pub vault_old_keys: Vec<Secret>,
    /// E-mail of the first admin.
    pub admin_email: Option<String>,
    /// Password of the first admin.
    pub admin_password: Option<Secret>,
    /// Other origins that may send changes.
    pub allowed_origins: Vec<String>,
    /// From where health and metrics may be read without signing in.
    pub health_allowlist: Networks,
    /// Proxies whose word on who asks counts.
    pub trusted_proxies: Networks,
    /// Who may read the queue triage; everybody who may see the console when empty.
    pub ops_admin_emails: Vec<String>,
    /// TLS is terminated in front of us.
    pub secure_cookies: bool,
    /// Name of this installation.
    pub environment: String,
    /// Where people reach the console, without a slash at its end.
    pub url: Option<String>,
    /// Where alerts are posted.
    pub alert_webhook_url: Option<Secret>,
    /// What they are signed with.
    pub alert_webhook_secret: Option<Secret>,
    /// Whom alerts are mailed to.
    pub mail: Option<MailOptions>,
    /// Whom to tell of a hole in this installation.
    pub security_contact: Option<String>,
    /// Where the built browser files are.
    pub site_root: PathBuf,
    /// Jobs that this process runs at once.
    pub worker_concurrency: usize,
    /// The MCP provider.
    pub mcp: McpOptions,
    /// Settings that the environment gives a first value.
    pub initial_settings: Vec<(&'static str, i64)>,
    /// Whether pages read the materialized views, while no operator has decided.
    pub matviews_enabled: Option<bool>,
    /// Collector that traces are sent to.
    pub otlp_endpoint: Option<Secret>,
    /// Sentry project that errors are sent to.
    pub sentry_dsn: Option<Secret>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log: String,
}

/// Where the MCP provider is and how to call it.
#[derive(Debug, Clone)]
pub struct McpOptions {
    /// Its endpoint.
    pub base_url: Option<Secret>,
    /// Its key.
    pub api_key: Option<Secret>,
    /// Deadline of one call.
    pub timeout: Duration,
}

impl Config {
    /// Checks what the command line itself cannot check. An empty variable counts as unset.
    ///
    /// # Errors
    /// The first variable that cannot be used.
    pub fn new(options: Options) -> Result<Config, ConfigError> {
        let database_url = non_empty(options.database_url);
        check_url("DATABASE_URL", database_url.as_ref(), &["postgres", "postgresql"])?;
        let mcp_base_url = non_empty(options.mcp_base_url);
        check_url("MCP_BASE_URL", mcp_base_url.as_ref(), &["http", "https"])?;
        let alert_webhook_url = non_empty(options.alert_webhook_url);
        check_url("ALERT_WEBHOOK_URL", alert_webhook_url.as_ref(), &["http", "https"])?;
        let otlp_endpoint = non_empty(options.otlp_endpoint);
        check_url("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_endpoint.as_ref(), &["http", "https"])?;
        let sentry_dsn = non_empty(options.sentry_dsn);
        check_url("SENTRY_DSN", sentry_dsn.as_ref(), &["http", "https"])?;
        let mail = MailOptions::new(
            options.alert_email_to,
            options.alert_email_from,
            non_empty(options.smtp_url).as_ref(),
        )?;
        let vault_key = non_empty(options.vault_key);
        let vault_old_keys = listed(options.vault_old_keys);
        check_master_keys("SIGNALBOX_VAULT_KEY", vault_key.as_slice())?;
        check_master_keys("SIGNALBOX_VAULT_OLD_KEYS", &vault_old_keys)?;
        let admin_email = options.admin_email.filter(|email| !email.trim().is_empty());
        if let Some(email) = &admin_email
            && !looks_like_email(email)
        {
            return Err(ConfigError {
                variable: "ADMIN_EMAIL",
                value: email.clone(),
                allowed: "it must be an e-mail address, such as ops@example.com",
            });
        }
        let initial_settings = [
            ("mcp_cb_failure_threshold", options.mcp_cb_failure_threshold),
            ("mcp_cb_cooldown_ms", options.mcp_cb_cooldown_ms),
            ("auto_throttle_enabled", options.auto_throttle_enabled.map(i64::from)),
            ("auto_throttle_threshold_percent", options.auto_throttle_threshold),
        ];
        Ok(Config {
            addr: options.addr,
            backup_dir: options
                .backup_dir
                .filter(|dir| !dir.as_os_str().is_empty())
                .unwrap_or_else(|| options.data_dir.join("backups")),
            data_dir: options.data_dir,
            database_url,
            rolled_back: options.rolled_back,
            vault_key,
            vault_old_keys,
            admin_email,
            admin_password: non_empty(options.admin_password),
            allowed_origins: origins(options.allowed_origins.as_deref().unwrap_or_default())?,
            health_allowlist: networks("HEALTH_ALLOWLIST", options.health_allowlist.as_deref())?,
            trusted_proxies: networks("TRUSTED_PROXIES", options.trusted_proxies.as_deref())?,
            ops_admin_emails: emails(options.ops_admin_emails.as_deref().unwrap_or_default())?,
            secure_cookies: options.secure_cookies,
            environment: options.environment,
            url: public_url(options.url)?,
            alert_webhook_url,
            alert_webhook_secret: non_empty(options.alert_webhook_secret),
            mail,
            security_contact: security_contact(options.security_contact)?,
            site_root: options.site_root,
            worker_concurrency: options.worker_concurrency.into(),
            mcp: McpOptions {
                base_url: mcp_base_url,
                api_key: non_empty(options.mcp_api_key),
                timeout: Duration::from_millis(options.mcp_timeout_ms),
            },
            initial_settings: initial_settings
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
            matviews_enabled: options.matviews_enabled,
            otlp_endpoint,
            sentry_dsn,
            log_format: options.log_format,
            log: options.log,
        })
    }

    /// The vault in `db`, opened with the master keys of the environment, or else with those in the
    /// data directory.
    pub fn vault(&self, db: PgPool) -> Vault {
        let Some(current) = &self.vault_key else {
            return Vault::with_file(db, self.data_dir.join("vault.key"));
        };
        let key = |text: &Secret| MasterKey::from_base64(text.expose());
        match (key(current), self.vault_old_keys.iter().map(key).collect()) {
            (Ok(current), Ok(old)) => Vault::new(db, Keyring::new(current, old)),
            (Err(error), _) | (_, Err(error)) => Vault::new(db, Keyring::locked(error.to_string())),
        }
    }

    /// Where backups are kept, and where PostgreSQL's programs are looked for each time.
    pub fn backups(&self) -> Place {
        Place::new(
            self.backup_dir.clone(),
            Arc::new(|| Box::pin(signalbox_cluster::program_dirs())),
        )
    }

    /// What the pipelines' providers need.
    pub fn providers(&self) -> ProviderConfig {
        ProviderConfig {
            mcp_base_url: self.mcp.base_url.as_ref().map(|url| url.expose().to_owned()),
            mcp_api_key: self.mcp.api_key.as_ref().map(|key| ApiKey::new(key.expose())),
            mcp_timeout: self.mcp.timeout,
        }
    }
}

fn non_empty(secret: Option<Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.expose().trim().is_empty())
}

fn networks(variable: &'static str, list: Option<&str>) -> Result<Networks, ConfigError> {
    Networks::parse(list.unwrap_or_default()).map_err(|value| ConfigError {
        variable,
        value,
        allowed: "each entry must be an address or a CIDR, such as 127.0.0.1 or 10.0.0.0/8, in a list \
                  separated by commas or in a JSON array",
    })
}

/// The e-mails in a list separated by commas, in lower case.
fn emails(list: &str) -> Result<Vec<String>, ConfigError> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let email = looks_like_email(entry).then(|| entry.to_lowercase());
            email.ok_or_else(|| ConfigError {
                variable: "OPS_ADMIN_EMAILS",
                value: entry.to_owned(),
                allowed: "each entry must be an e-mail address, such as ops@example.com",
            })
        })
        .collect()
}

/// The secrets in a list separated by commas.
fn listed(list: Option<Secret>) -> Vec<Secret> {
    let list = list.map(|list| list.0).unwrap_or_default();
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| Secret(entry.to_owned())).collect()
}

fn check_master_keys(variable: &'static str, keys: &[Secret]) -> Result<(), ConfigError> {
    if keys.iter().all(|key| MasterKey::from_base64(key.expose()).is_ok()) {
        return Ok(());
    }
    let allowed = "a master key is 32 bytes in base64, such as from: openssl rand -base64 32";
    Err(ConfigError { variable, value: "(hidden)".to_owned(), allowed })
}

fn looks_like_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !text.contains(char::is_whitespace)
}

fn check_url(
    variable: &'static str,
    value: Option<&Secret>,
    schemes: &[&str],
) -> Result<(), ConfigError> {
    let Some(value) = value else { return Ok(()) };
    if Url::parse(value.expose()).is_ok_and(|url| schemes.contains(&url.scheme())) {
        return Ok(());
    }
    let allowed = match variable {
        "DATABASE_URL" => "it must be a URL, such as postgres://user:password@host/database",
        "ALERT_WEBHOOK_URL" => {
            "it must be an http or https URL, such as https://hooks.example.com/x"
        }
        "OTEL_EXPORTER_OTLP_ENDPOINT" => {
            "it must be a collector's http or https URL, such as http://127.0.0.1:4318"
        }
        "SENTRY_DSN" => "it must be a project's DSN, such as https://key@sentry.example.com/1",
        _ => "it must be an http or https URL, such as https://mcp.example.com/mcp",
    };
    Err(ConfigError { variable, value: "(hidden)".to_owned(), allowed })
}

fn public_url(url: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(url) = url.filter(|url| !url.trim().is_empty()) else { return Ok(None) };
    let usable = Url::parse(&url).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if usable {
        return Ok(Some(url.trim_end_matches('/').to_owned()));
    }
    let allowed = "it must be an http or https URL, such as https://ops.example.com";
    Err(ConfigError { variable: "SIGNALBOX_URL", value: url, allowed })
}

fn security_contact(contact: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(contact) = contact.filter(|contact| !contact.trim().is_empty()) else {
        return Ok(None);
    };
    match Url::parse(contact.trim()) {
        Ok(url) if ["https", "mailto", "tel"].contains(&url.scheme()) => Ok(Some(url.into())),
        _ => Err(ConfigError {
            variable: "SECURITY_CONTACT",
            value: contact,
            allowed: "it must be a URL, such as mailto:security@example.com",
        }),
    }
}

/// The origins in a list separated by commas, as browsers write them.
fn origins(list: &str) -> Result<Vec<String>, ConfigError> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(origin).collect()
}

fn origin(entry: &str) -> Result<String, ConfigError> {
    let error = || ConfigError {
        variable: "ALLOWED_ORIGINS",
        value: entry.to_owned(),
        allowed: "an origin is a scheme, a host and maybe a port, such as https://ops.example.com",
    };
    let url = Url::parse(entry).map_err(|_| error())?;
    let origin = url.origin();
    let only_origin = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    if only_origin && ["http", "https"].contains(&url.scheme()) {
        Ok(origin.ascii_serialization())
    } else {
        Err(error())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn config(args: &[&str]) -> Result<Config, ConfigError> {
        let args = std::iter::once("signalbox").chain(args.iter().copied());
        Config::new(Cli::try_parse_from(args).unwrap().options)
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        let config = config(&["--allowed-origins", "https://Ops.example.com:443/, http://a:81,"]);
        assert_eq!(config.unwrap().allowed_origins, ["https://ops.example.com", "http://a:81"]);
    }

    #[test]
    fn a_bad_origin_is_named() {
        let error = config(&["--allowed-origins", "ops.example.com"]).unwrap_err();
        assert!(error.to_string().starts_with("ALLOWED_ORIGINS=ops.example.com"), "{error}");
        assert!(config(&["--allowed-origins", "https://a/path"]).is_err());
    }

    #[test]
    fn a_bad_database_url_is_refused_without_showing_it() {
        let error = config(&["--database-url", "mysql://u:hunter2@h/d"]).unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_bad_webhook_is_refused_without_showing_it_and_the_public_url_loses_its_slash() {
        let error = config(&["--alert-webhook-url", "hooks/hunter2"]).unwrap_err().to_string();
        assert!(error.contains("ALERT_WEBHOOK_URL") && !error.contains("hunter2"), "{error}");
        let config = |url| config(&["--url", url]);
        assert_eq!(
            config("https://ops.example.com/").unwrap().url.unwrap(),
            "https://ops.example.com"
        );
        assert!(config("ops.example.com").is_err());
    }

    #[test]
    fn st_2_a_bad_allow_list_ends_the_start_and_names_the_entry() {
        let error = config(&["--health-allowlist", "127.0.0.1,10.0.0.0/40"]).unwrap_err();
        assert!(error.to_string().starts_with("HEALTH_ALLOWLIST=10.0.0.0/40 cannot"), "{error}");
        let error = config(&["--ops-admin-emails", "Ops@example.com, nobody"]).unwrap_err();
        assert!(error.to_string().starts_with("OPS_ADMIN_EMAILS=nobody cannot"), "{error}");
        let fine = config(&["--ops-admin-emails", " Ops@example.com ,"]).unwrap();
        assert_eq!(fine.ops_admin_emails, ["ops@example.com"]);
    }

    #[test]
    fn a_security_contact_is_a_url_that_stays_on_its_line() {
        let contact = |text| config(&["--security-contact", text]).map(|c| c.security_contact);
        let mail = "mailto:security@example.com";
        assert_eq!(contact(mail).unwrap().as_deref(), Some(mail));
        assert_eq!(contact("https://a/\nExpires: x").unwrap().unwrap().lines().count(), 1);
        assert!(contact("security@example.com").is_err() && contact("http://a").is_err());
    }

    #[test]
    fn av_7_a_bad_master_key_is_refused_without_showing_it() {
        for args in [["--vault-key", "hunter2"], ["--vault-old-keys", "hunter2,"]] {
            let error = config(&args).unwrap_err().to_string();
            assert!(error.contains("SIGNALBOX_VAULT_"), "{error}");
            assert!(error.contains("32 bytes") && !error.contains("hunter2"), "{error}");
        }
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let fine = config(&["--vault-key", zeros, "--vault-old-keys", zeros]).unwrap();
        assert!(!format!("{fine:?}").contains("AAAA"));
    }

    #[test]
    fn js_7_backups_lie_in_the_data_directory_unless_they_lie_elsewhere() {
        let dir = |args: &[&str]| config(args).unwrap().backup_dir;
        assert_eq!(dir(&["--data-dir", "/data"]), PathBuf::from("/data/backups"));
        assert_eq!(dir(&["--backup-dir", "/nas"]), PathBuf::from("/nas"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert!(config(&["--database-url", ""]).unwrap().database_url.is_none());
    }
}
