//! `/admin`: the whole at a glance.

mod api;
mod figures;
mod line;
mod page;
mod trends;

pub(crate) use figures::{Figure, capped, tenths};
pub(crate) use page::OverviewPage;
