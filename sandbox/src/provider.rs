//! The providers that are stood in for.

use std::fmt;
use std::str::FromStr;

/// A provider, named as in its path prefix and in the control routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// The MCP server at `/mcp`.
    Mcp,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Mcp];

    /// The name in paths: `mcp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No provider has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown provider {name:?}, known: {}", Provider::ALL.map(Provider::name).join(", "))]
pub struct UnknownProvider {
    /// The name as given.
    pub name: String,
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| UnknownProvider { name: name.to_owned() })
    }
}
