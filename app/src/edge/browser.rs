//! The page's edge to the outside, in the browser: the server has decided all of it already.

use crate::console::Start;

/// What the pages must know; in the browser it comes with the page.
pub(crate) fn start() -> Start {
    Start::default()
}

/// The status was sent with the page.
pub(crate) fn set_status(_status: u16) {}
