//! Brings the spellings of one address to one form.

use url::{Host, Url};

use super::MAX_URL_BYTES;

/// The most redirectors inside one another that are unwrapped.
const MAX_HOPS: usize = 5;

/// Query parameters that tell where a visitor came from, not where to.
const TRACKING: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "dclid",
    "epik",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "igsh",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_cid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
    "ysclid",
];
/// Beginnings of such parameters.
const TRACKING_PREFIXES: &[&str] = &["utm_", "mtm_", "pk_", "hsa_"];

/// Pages that only pass a visitor on: host without `www.`, path, and the parameters that may hold the target.
const REDIRECTORS: &[(&str, &str, &[&str])] = &[
    ("l.facebook.com", "/l.php", &["u"]),
    ("lm.facebook.com", "/l.php", &["u"]),
    ("facebook.com", "/l.php", &["u"]),
    ("l.messenger.com", "/l.php", &["u"]),
    ("l.instagram.com", "/", &["u"]),
    ("youtube.com", "/redirect", &["q"]),
    ("t.umblr.com", "/redirect", &["z"]),
    ("out.reddit.com", "/", &["url"]),
    ("vk.com", "/away.php", &["to"]),
    ("tiktok.com", "/link/v2", &["target"]),
    ("linkedin.com", "/redir/redirect", &["url"]),
    ("steamcommunity.com", "/linkfilter", &["url", "u"]),
    ("duckduckgo.com", "/l", &["uddg"]),
    ("slack-redir.net", "/link", &["url"]),
];

/// An address in its one form.
pub(super) struct Address {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) registrable_domain: String,
}

/// The address in its one form; none if it has no registrable domain or is too long.
pub(super) fn normalise(address: &str) -> Option<Address> {
    let mut url = clean(Url::parse(address).ok()?)?;
    for _ in 0..MAX_HOPS {
        match redirect_target(&url) {
            Some(target) => url = target,
            None => break,
        }
    }
    let host = url.host_str()?.to_owned();
    let registrable_domain = registrable_domain(&host)?.to_owned();
    let url = String::from(url);
    (url.len() <= MAX_URL_BYTES).then_some(Address { url, host, registrable_domain })
}

/// Whether a host, in any spelling, has a registrable domain.
pub(super) fn has_public_suffix(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(host)) => registrable_domain(&host).is_some(),
        _ => false,
    }
}

/// The registrable domain of a host in lower-case ASCII, if it is under a known public suffix.
fn registrable_domain(host: &str) -> Option<&str> {
    let suffix = psl::suffix(host.as_bytes())?;
    if !suffix.is_known() {
        return None;
    }
    let runs_itself =
        suffix.typ() == Some(psl::Type::Private) && suffix.as_bytes() == host.as_bytes();
    if runs_itself { Some(host) } else { psl::domain_str(host) }
}

fn clean(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let Some(Host::Domain(host)) = url.host() else { return None };
    if let Some(host) = host.strip_suffix('.').map(str::to_owned) {
        url.set_host(Some(&host)).ok()?;
    }
    registrable_domain(url.host_str()?)?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_fragment(None);
    let query = url.query().map(without_tracking);
    url.set_query(query.as_deref().filter(|query| !query.is_empty()));
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

fn without_tracking(query: &str) -> String {
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair)).collect();
    kept.join("&")
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    TRACKING.contains(&name.as_str())
        || TRACKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Where a redirector leads, cleaned; none for any other page.
fn redirect_target(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    let names = if host.starts_with("google.") && url.path() == "/url" {
        &["q", "url"][..]
    } else {
        REDIRECTORS.iter().find(|(at, path, _)| *at == host && *path == url.path())?.2
    };
    let target = url.query_pairs().find(|(name, _)| names.contains(&name.as_ref()))?.1;
    let target =
        if target.contains("://") { target.into_owned() } else { format!("https://{target}") };
    clean(Url::parse(&target).ok()?)
}
