//! The last calls, as a breaker counts them.

/// The outcomes of the last calls, at most 64: one bit each, the newest lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many calls it holds.
    pub calls: u32,
    /// Which of them failed.
    pub failed: u64,
    /// Which of them were slow.
    pub slow: u64,
}

impl Window {
    /// No call yet.
    pub const EMPTY: Window = Window { calls: 0, failed: 0, slow: 0 };

    /// The window of `size` calls (1 to 64) after one more.
    #[must_use]
    pub fn push(self, failed: bool, slow: bool, size: u32) -> Window {
        let size = size.clamp(1, u64::BITS);
        let kept = u64::MAX >> (u64::BITS - size);
        Window {
            calls: (self.calls + 1).min(size),
            failed: (self.failed << 1 | u64::from(failed)) & kept,
            slow: (self.slow << 1 | u64::from(slow)) & kept,
        }
    }

    /// How many failed.
    pub fn failures(&self) -> u32 {
        self.failed.count_ones()
    }

    /// How many were slow.
    pub fn slow_calls(&self) -> u32 {
        self.slow.count_ones()
    }

    /// Whether `count` of its calls are `percent` or more; 0 percent never is.
    pub(super) fn share(&self, count: u32, percent: u32) -> bool {
        percent > 0 && self.calls > 0 && count * 100 >= percent * self.calls
    }
}
