//! Lists of networks, as `HEALTH_ALLOWLIST` and `TRUSTED_PROXIES` have them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Addresses that something is allowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The networks in `list`: addresses and CIDRs, separated by commas or as a JSON array.
    ///
    /// # Errors
    /// The first entry that is neither.
    pub fn parse(list: &str) -> Result<Networks, String> {
        let entries: Vec<String> = if list.trim_start().starts_with('[') {
            serde_json::from_str(list).map_err(|_| list.to_owned())?
        } else {
            list.split(',').map(str::to_owned).collect()
        };
        let entries = entries.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| network(entry).ok_or_else(|| entry.to_owned()))
            .collect::<Result<_, _>>()
            .map(Networks)
    }

    /// Whether `address` lies in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address, or a CIDR; an IPv4 address in IPv6's clothes is the IPv4 address.
fn network(entry: &str) -> Option<IpNet> {
    let address = entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    address.ok().or_else(|| entry.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn allows(list: &str, address: &str) -> bool {
        Networks::parse(list).unwrap().contain(address.parse().unwrap())
    }

    #[test]
    fn st_2_a_list_is_csv_or_json_of_addresses_and_cidrs() {
        for list in ["10.0.0.0/8, ::1,192.0.2.7", r#"["10.0.0.0/8", "::1", "192.0.2.7"]"#] {
            for address in ["10.1.2.3", "::1", "192.0.2.7", "::ffff:10.9.9.9"] {
                assert!(allows(list, address), "{list}: {address}");
            }
            for address in ["11.0.0.1", "192.0.2.8", "::2"] {
                assert!(!allows(list, address), "{list}: {address}");
            }
        }
        assert!(!allows("", "127.0.0.1") && !allows("[]", "127.0.0.1"));
    }

    #[test]
    fn st_2_an_entry_that_is_neither_is_named() {
        for bad in ["10.0.0.0/33", "localhost", "10.0.0", "300.1.1.1"] {
            assert_eq!(Networks::parse(&format!("::1,{bad}")).unwrap_err(), bad);
        }
        assert!(Networks::parse("[1]").is_err() && Networks::parse("[\"::1\"").is_err());
    }
}
