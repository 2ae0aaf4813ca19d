//! What names resolve to, for clients that may not go everywhere. In the resolver itself, so that no
//! name can lead elsewhere between a check and a connection.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::is_public;

/// Resolves the one host that is configured, wherever it lies.
pub(super) struct Only {
    host: String,
}

impl Only {
    pub(super) fn new(host: String) -> Only {
        Only { host }
    }
}

impl Resolve for Only {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = name.as_str().eq_ignore_ascii_case(&self.host);
        Box::pin(async move {
            if !allowed {
                return Err(refusal("it is not the host that is configured"));
            }
            given(addresses(name.as_str()).await?)
        })
    }
}

/// Resolves any host, to its public addresses only.
pub(super) struct Anywhere;

impl Resolve for Anywhere {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = addresses(name.as_str()).await?.into_iter();
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(refusal("it leads to a private network"));
            }
            given(public)
        })
    }
}

/// The addresses of `name`, as the system knows them.
pub(super) async fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;

fn refusal(words: &str) -> Refusal {
    Box::new(io::Error::new(io::ErrorKind::PermissionDenied, words))
}

fn given(addresses: Vec<SocketAddr>) -> Result<Addrs, Refusal> {
    Ok(Box::new(addresses.into_iter()))
}
