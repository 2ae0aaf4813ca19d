//! Saved views: a person's own filters of a list, above that list.

mod api;
mod views;

pub(crate) use views::SavedViews;
