//! The page's edge to the outside, on the server.

use crate::console::Start;

/// What the pages must know before they fetch anything.
pub(crate) fn start() -> Start {
    crate::request::start()
}

/// Sets the status of this response.
pub(crate) fn set_status(status: u16) {
    crate::request::set_status(status);
}
