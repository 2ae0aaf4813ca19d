//! One page of a list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many rows a page has when nobody asks for another number.
pub const PAGE_ROWS_DEFAULT: i64 = 50;
/// The most rows of a page.
pub const PAGE_ROWS_BOUND: i64 = 200;

/// What has come since a list was read is counted to here and shown as "100+" beyond it.
pub const NEWER_CAP: i64 = 100;

/// One page of a list, read by keyset: the cursor names the last row seen, not an offset, so
/// that a page costs the same wherever it lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Ask for the next page with this; absent on the last one.
    pub next_cursor: Option<i64>,
}

impl<T> Page<T> {
    /// A page of `rows`, which were read with one row more than `limit` to learn whether there
    /// is a next page; `key` gives a row's cursor.
    pub fn from_rows(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> i64) -> Page<T> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(key) } else { None };
        Page { items: rows, next_cursor }
    }
}

/// The number of rows to read for a caller who asked for `limit`.
pub fn page_rows(limit: Option<i64>) -> i64 {
    limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_BOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_read_in_excess_becomes_the_next_cursor() {
        let page = Page::from_rows(vec![9, 8, 7], 2, |row| *row);
        assert_eq!(page.items, [9, 8]);
        assert_eq!(page.next_cursor, Some(8));
        assert_eq!(Page::from_rows(vec![9, 8], 2, |row| *row).next_cursor, None);
    }
}
