//! A list's filters, as they stand in the address.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The filters of the address, without the empty ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// Where in the page the list begins, such as `#list`.
    anchor: &'static str,
}

impl Query {
    /// The current address's filters, among those that the page knows. Its links lead to
    /// `anchor`, the place in the page where the list begins (`""`: the top).
    pub(crate) fn current(known: &'static [&'static str], anchor: &'static str) -> Memo<Query> {
        let search = use_location().query;
        Memo::new(move |_| {
            let pairs = search.with(|search| {
                known
                    .iter()
                    .filter_map(|name| Some(((*name).to_owned(), search.get(name)?)))
                    .filter(|(_, value)| !value.trim().is_empty())
                    .collect()
            });
            Query { pairs, anchor }
        })
    }

    /// The value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, owned.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// The value of `name`, as a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// Whether nothing is filtered; a cursor filters nothing.
    pub(crate) fn is_unfiltered(&self) -> bool {
        self.pairs.iter().all(|(name, _)| name == "cursor")
    }

    /// The address with `name` set to `value`, from the first page on.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut pairs = self.others(name);
        pairs.push((name.to_owned(), value.to_owned()));
        self.address(&pairs)
    }

    /// The address without `name`, from the first page on.
    pub(crate) fn without(&self, name: &str) -> String {
        self.address(&self.others(name))
    }

    /// The filters as they are kept: as they stand in the address, whichever page of the list it is.
    pub(crate) fn kept(&self) -> String {
        written(&self.others("cursor"))
    }

    fn others(&self, name: &str) -> Vec<(String, String)> {
        self.pairs.iter().filter(|(key, _)| key != name && key != "cursor").cloned().collect()
    }

    fn address(&self, pairs: &[(String, String)]) -> String {
        format!("?{}{}", written(pairs), self.anchor)
    }
}

fn written(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

/// The value as it stands in an address: the same on the server and in the browser, whose own ways to
/// write it differ, since kept filters are compared with those of the address.
fn escaped(value: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value
        .bytes()
        .map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Query { pairs, anchor: "" }
    }

    #[test]
    fn a_new_filter_starts_from_the_first_page() {
        let query = query(&[("kind", "a"), ("cursor", "9")]);
        assert_eq!(query.with("state", "dead"), "?kind=a&state=dead");
        assert_eq!(query.without("kind"), "?");
        assert_eq!(query.with("cursor", "7"), "?kind=a&cursor=7");
    }

    #[test]
    fn what_is_kept_of_the_filters_is_theirs_alone() {
        let query = Query { anchor: "#list", ..query(&[("q", "a.b ü&"), ("cursor", "9")]) };
        assert_eq!(query.kept(), "q=a.b%20%C3%BC%26");
    }

    #[test]
    fn a_cursor_alone_filters_nothing() {
        assert!(query(&[("cursor", "9")]).is_unfiltered());
        assert!(!query(&[("q", "x")]).is_unfiltered());
    }
}
