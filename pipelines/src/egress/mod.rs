//! The way out to other hosts: nobody is called whom the configuration does not name, and no address
//! that somebody has found on the web leads inside.
//!
//! The rule: a client goes to the one host that its configuration names, and follows no redirect. That
//! host may lie anywhere, a private network included: an operator has named it. Addresses that were
//! *found* (links in posts and pages) are checked by [`found`] before they are given to anybody: they
//! must be http or https, and name neither this machine nor a private network.

mod address;
mod resolver;

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

pub use address::is_public;
use resolver::{Anywhere, Only};

/// Shorter than most servers' idle timeout, so that a call seldom meets a connection that is just being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection may take where it is only tried.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Names that never mean a host on the public internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476).
const INSIDE: [&str; 9] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "localdomain",
];

/// A client that goes to `host`, which the configuration names, and nowhere else.
pub fn to(host: &str) -> ClientBuilder {
    builder().dns_resolver(Arc::new(Only::new(host.to_owned())))
}

/// A client for addresses that were found: it goes to public ones only, whatever their names resolve
/// to. An address that is no name is not resolved: [`found`] checks that.
pub fn anywhere_public() -> ClientBuilder {
    builder().dns_resolver(Arc::new(Anywhere))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("signalbox/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
}

/// Finds the addresses of the host of `url`; says so in words.
///
/// # Errors
/// What the resolver said.
pub async fn resolve(url: &Url) -> Result<String, String> {
    match url.host() {
        Some(Host::Domain(name)) => match resolver::addresses(name).await {
            Ok(found) => Ok(format!("{name} is at {}", shown(&found))),
            Err(error) => Err(format!("{name} has no address: {error}")),
        },
        Some(literal) => Ok(format!("{literal} is an address")),
        None => Err("the address names no host".to_owned()),
    }
}

/// The first of `found`, and how many more there are.
fn shown(found: &[SocketAddr]) -> String {
    match found {
        [] => "no address".to_owned(),
        [one] => one.ip().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.ip(), rest.len()),
    }
}

/// Connects to `url`, with TLS where it says so, and asks for nothing that takes a key; says so in words.
///
/// # Errors
/// What the network or TLS said.
pub async fn connect(url: &Url) -> Result<String, String> {
    let client = to(url.host_str().unwrap_or_default())
        .connect_timeout(PROBE_TIMEOUT)
        .timeout(PROBE_TIMEOUT + Duration::from_secs(1))
        .build()
        .map_err(describe)?;
    let mut bare = url.clone();
    bare.set_path("/");
    bare.set_query(None);
    let what =
        if url.scheme() == "https" { "connected, with TLS" } else { "connected, without TLS" };
    match client.head(bare).send().await {
        // Whatever it answers, or if it does not: there is a connection.
        Err(error) if error.is_connect() => Err(describe(error)),
        _ => Ok(what.to_owned()),
    }
}

/// The error and its causes, without the URL, which may hold a key.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// Why an address that was found must not be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("it is no address")]
    Unreadable,
    /// It is for something else than http.
    #[error("it is neither http nor https")]
    Scheme,
    /// It carries a user or a password.
    #[error("it carries a user name")]
    User,
    /// It names this machine, or a private network.
    #[error("it leads to a private network")]
    Private,
}

/// `text` as an address that may be gone to, though nobody has configured it.
///
/// # Errors
/// See [`Refused`].
pub fn found(text: &str) -> Result<Url, Refused> {
    let url = Url::parse(text).map_err(|_| Refused::Unreadable)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::User);
    }
    let public = match url.host() {
        // The parser has made an address of all that browsers take for one: 0x7f.1, 2130706433, 127.1.
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => is_public_name(name),
        None => false,
    };
    if public { Ok(url) } else { Err(Refused::Private) }
}

/// Whether `name` may be one on the public internet: it has a dot, and does not end inside.
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends_in = |end: &&str| {
        name.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    name.contains('.') && !INSIDE.iter().any(ends_in)
}

#[cfg(test)]
mod tests;
