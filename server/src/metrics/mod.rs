//! Figures for Prometheus (AV-4): those of this process's requests, and how everything stands.
//!
//! Written by hand: a reading is turned into text as it is, and nothing has to be kept in a second
//! registry in which what is gone would stay.

pub mod http;
pub mod page;
pub mod text;
