//! The result of pipeline `domains` (OP-12, OP-15): domains, and where they were mentioned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::matview::Freshness;

/// A registrable domain that somebody mentioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its number.
    pub id: i64,
    /// Its name in ASCII (punycode), such as `xn--bcher-kva.de`.
    pub name: String,
    /// Its name as people read it, such as `bücher.de`.
    pub display_name: String,
    /// How often it was mentioned.
    pub mentions: i64,
    /// In how many posts.
    pub posts: i64,
    /// When it was mentioned first.
    pub first_seen_at: Timestamp,
    /// When it was mentioned last.
    pub last_seen_at: Timestamp,
}

/// Where a mention was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MentionSource {
    /// In the post's own text.
    Post,
    /// In a comment.
    Comment,
    /// On the post's page.
    Page,
}

impl MentionSource {
    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            MentionSource::Post => "post",
            MentionSource::Comment => "comment",
            MentionSource::Page => "page",
        }
    }

    /// The source with this stable name.
    pub fn from_name(name: &str) -> Option<MentionSource> {
        [MentionSource::Post, MentionSource::Comment, MentionSource::Page]
            .into_iter()
            .find(|source| source.name() == name)
    }
}

/// One mention of a domain. The dedupe key is (post, `raw_url`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mention {
    /// Its number.
    pub id: i64,
    /// The post it was found under.
    pub post_url: String,
    /// Where.
    pub source: MentionSource,
    /// The link as it was written.
    pub raw_url: String,
    /// Its host as it was written.
    pub raw_host: String,
    /// The link as it resolves.
    pub final_url: String,
    /// Its host as it resolves.
    pub final_host: String,
    /// Written as words ("example dot com").
    pub spelled_out: bool,
    /// When the text that carries it was published, or else found.
    pub seen_at: Timestamp,
}

/// A domain's mentions on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MentionsOnDay {
    /// The day, in UTC.
    pub day: chrono::NaiveDate,
    /// How many.
    pub mentions: i64,
}

/// How many domains were seen for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewDomains {
    /// Since midnight UTC.
    pub today: i64,
    /// In the last 7 days.
    pub week: i64,
    /// In the last 30 days.
    pub month: i64,
    /// Ever.
    pub all: i64,
}

/// A domain with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainDetail {
    /// The domain.
    pub domain: Domain,
    /// Its mentions per day over the last 30 days, days without any included, oldest first.
    pub per_day: Vec<MentionsOnDay>,
    /// The posts that mention it most, with their counts, at most 10.
    pub top_posts: Vec<(String, i64)>,
    /// Its newest mentions, at most 100; always live.
    pub mentions: Vec<Mention>,
    /// How fresh the rest is.
    pub freshness: Freshness,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The list of domains, as `/domains` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainList {
    /// The domains first seen in the range asked for, the newest first, at most 200.
    pub domains: Vec<Domain>,
    /// How many are new.
    pub new: NewDomains,
    /// How fresh this is.
    pub freshness: Freshness,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The time range of an export or a list (OP-12).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateFilter {
    /// Everything.
    #[default]
    All,
    /// Since midnight UTC.
    Today,
    /// The last 7 days.
    Week,
    /// The last 30 days.
    Month,
}

impl DateFilter {
    /// Every filter.
    pub const ALL: [DateFilter; 4] =
        [DateFilter::All, DateFilter::Today, DateFilter::Week, DateFilter::Month];

    /// The stable name used in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            DateFilter::All => "all",
            DateFilter::Today => "today",
            DateFilter::Week => "week",
            DateFilter::Month => "month",
        }
    }

    /// The filter with this stable name.
    ///
    /// # Errors
    /// A sentence that names what is allowed.
    pub fn from_name(name: &str) -> Result<DateFilter, String> {
        DateFilter::ALL.into_iter().find(|filter| filter.name() == name).ok_or_else(|| {
            format!(
                "dateFilter must be one of all, today, week, month; got \"{}\"",
                crate::format::shorten(name, 40)
            )
        })
    }

    /// The first moment inside the range; absent for [`DateFilter::All`].
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            DateFilter::All => None,
            DateFilter::Today => Some(now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()),
            DateFilter::Week => Some(now - chrono::Duration::days(7)),
            DateFilter::Month => Some(now - chrono::Duration::days(30)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_12_a_bad_date_filter_names_the_allowed_ones() {
        let message = DateFilter::from_name("yesterday").unwrap_err();
        assert!(message.contains("all, today, week, month"));
    }
}
