//! How one browser shows the console: kept in cookies, so that the first byte of HTML has it.

use serde::{Deserialize, Serialize};

/// A colour theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the operating system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The cookie that holds the choice.
    pub const COOKIE: &str = "theme";
    /// Every theme.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The stable name used in the cookie and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The document's `data-theme`; absent where the operating system decides.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }
}

/// In which zone times are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// UTC, as in logs and exports.
    #[default]
    Utc,
    /// As on the clock of whoever looks.
    Local,
}

impl Zone {
    /// The cookie that holds the choice.
    pub const COOKIE: &str = "zone";
    /// Both.
    pub const ALL: [Zone; 2] = [Zone::Utc, Zone::Local];

    /// The stable name used in the cookie and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Zone::Utc => "utc",
            Zone::Local => "local",
        }
    }

    /// On its button.
    pub const fn word(self) -> &'static str {
        match self {
            Zone::Utc => "UTC",
            Zone::Local => "Local time",
        }
    }
}

/// How often an open page is brought up to date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As things change, and every five seconds.
    #[default]
    Live,
    /// Every 30 s.
    Calm,
    /// Only after a command, or when it is loaded anew.
    Off,
}

impl Pace {
    /// The cookie that holds the choice.
    pub const COOKIE: &str = "pace";
    /// Every pace, the fastest first.
    pub const ALL: [Pace; 3] = [Pace::Live, Pace::Calm, Pace::Off];

    /// The stable name used in the cookie and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Pace::Live => "live",
            Pace::Calm => "calm",
            Pace::Off => "off",
        }
    }

    /// On its button.
    pub const fn word(self) -> &'static str {
        match self {
            Pace::Live => "Live",
            Pace::Calm => "Every 30 s",
            Pace::Off => "Off",
        }
    }
}
