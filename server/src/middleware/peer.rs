//! From which address a request comes. What the request itself says about it counts only where a
//! proxy of ours has said it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;

use crate::network::Networks;
use crate::state::AppState;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// The address that a request comes from, where it is known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

/// Finds out from where the request comes.
pub async fn peer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let connected = connected.map(|ConnectInfo(address)| address.ip());
    let origin = connected.and_then(|from| origin(from, request.headers(), &state.parts.proxies));
    request.extensions_mut().insert(Peer(origin));
    next.run(request).await
}

/// Where a request comes from that arrived from `from`: that address itself, or, if it is one of our
/// `proxies`, the last one in `X-Forwarded-For` that is not. Nowhere, if somebody else says that it was
/// forwarded: an allow-listed proxy would otherwise let in everybody whom it serves.
fn origin(from: IpAddr, headers: &HeaderMap, proxies: &Networks) -> Option<IpAddr> {
    let told: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    if !proxies.contain(from) {
        let is_forwarded = !told.is_empty() || headers.contains_key(FORWARDED);
        return (!is_forwarded).then_some(from);
    }
    let told: Option<Vec<_>> = told.into_iter().map(|value| value.to_str().ok()).collect();
    for entry in told?.into_iter().rev().flat_map(|value| value.rsplit(',')) {
        let address = entry.trim().parse().ok()?;
        if !proxies.contain(address) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn seen(from: &str, forwarded_for: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies = Networks::parse("10.0.0.0/24").unwrap();
        origin(from.parse().unwrap(), &headers, &proxies).map(|address| address.to_string())
    }

    #[test]
    fn st_2_what_a_stranger_says_of_where_he_comes_from_is_worth_nothing() {
        assert_eq!(seen("192.0.2.1", &[]).unwrap(), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["127.0.0.1"]), None, "not even his own address then");
    }

    #[test]
    fn st_2_of_what_our_proxies_say_the_last_that_is_not_theirs_counts() {
        assert_eq!(seen("10.0.0.1", &["127.0.0.1, 192.0.2.1"]).unwrap(), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["192.0.2.1, 10.0.0.2"]).unwrap(), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["127.0.0.1", "192.0.2.1"]).unwrap(), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["192.0.2.1, unknown"]), None);
        assert_eq!(seen("10.0.0.1", &[]), None, "a proxy that says nothing hides who asks");
    }
}
