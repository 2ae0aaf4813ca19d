//! What pages are made of. Components hold no state of their own and fetch nothing.

pub(crate) mod aspect;
pub(crate) mod bar_chart;
pub(crate) mod breaker_tile;
pub(crate) mod command;
pub(crate) mod empty;
pub(crate) mod facts_panel;
pub(crate) mod fault;
pub(crate) mod fetched;
pub(crate) mod field;
pub(crate) mod freshness;
pub(crate) mod icon;
pub(crate) mod live;
pub(crate) mod log_table;
pub(crate) mod notices;
pub(crate) mod page_head;
pub(crate) mod pager;
pub(crate) mod progress;
pub(crate) mod query;
pub(crate) mod rows;
pub(crate) mod scroll;
pub(crate) mod spark;
pub(crate) mod submit;
pub(crate) mod time;
pub(crate) mod track_diagram;
pub(crate) mod trend_chart;
