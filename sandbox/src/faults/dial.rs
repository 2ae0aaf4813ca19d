//! Holds a provider's setting and decides for each request.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use super::{Fault, FaultMode};
use crate::peek::Peek;

/// One provider's dial.
#[derive(Debug)]
pub(crate) struct Dial {
    setting: watch::Sender<Fault>,
    rng: Mutex<StdRng>,
    seed: u64,
}

impl Dial {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            setting: watch::Sender::new(Fault::none()),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            seed,
        }
    }

    /// Turns the dial. The draw starts anew, so the same setting hits the same requests of a sequence each time.
    pub(crate) fn set(&self, fault: Fault) {
        *self.rng.lock().unwrap_or_else(PoisonError::into_inner) = StdRng::seed_from_u64(self.seed);
        self.setting.send_replace(fault);
    }

    pub(crate) fn get(&self) -> Fault {
        self.setting.borrow().clone()
    }

    /// What shall happen to this request, and a receiver that sees the dial being turned from here on.
    pub(crate) fn decide(
        &self,
        peek: &Peek,
        body: &[u8],
    ) -> (Option<Fault>, watch::Receiver<Fault>) {
        let mut turned = self.setting.subscribe();
        let fault = turned.borrow_and_update().clone();
        let hit = applies(&fault, peek, body) && self.draw(fault.rate);
        (hit.then_some(fault), turned)
    }

    fn draw(&self, rate: f64) -> bool {
        // Rates of 0 and 1 need no luck, and a setting made by hand may be out of range.
        let rate = rate.clamp(0.0, 1.0);
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_bool(rate)
    }
}

fn applies(fault: &Fault, peek: &Peek, body: &[u8]) -> bool {
    let mode = match fault.mode {
        FaultMode::None => false,
        FaultMode::ToolError => peek.is_tool_call(),
        _ => true,
    };
    let operation = fault.operation.as_ref().is_none_or(|operation| *operation == peek.operation());
    let text = fault.matching.as_ref().is_none_or(|text| contains(body, text.as_bytes()));
    let key = fault.key.as_ref().is_none_or(|key| peek.key() == Some(key));
    mode && operation && text && key
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const CALL: &[u8] =
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_engine"}}"#;

    fn hits(dial: &Dial) -> Vec<bool> {
        let peek = Peek::of_body(CALL);
        (0..200).map(|_| dial.decide(&peek, CALL).0.is_some()).collect()
    }

    #[test]
    fn a_rate_hits_its_share_and_the_same_requests_after_each_turn() {
        let dial = Dial::new(1);
        let fault = Fault::new(FaultMode::Error).rate(0.3);
        dial.set(fault.clone());
        let first = hits(&dial);
        dial.set(fault);
        assert_eq!(first, hits(&dial));
        let share = first.iter().filter(|hit| **hit).count();
        assert!((30..=90).contains(&share), "{share} of 200");
    }

    #[test]
    fn a_fault_is_kept_to_its_operation_and_text() {
        let dial = Dial::new(1);
        let peek = Peek::of_body(CALL);
        for (fault, hit) in [
            (Fault::new(FaultMode::Error).operation("search_engine"), true),
            (Fault::new(FaultMode::Error).operation("initialize"), false),
            (Fault::new(FaultMode::Error).matching("search_"), true),
            (Fault::new(FaultMode::Error).matching("nowhere"), false),
            (Fault::new(FaultMode::Error).rate(0.0), false),
            (Fault::none(), false),
        ] {
            dial.set(fault.clone());
            assert_eq!(dial.decide(&peek, CALL).0.is_some(), hit, "{fault:?}");
        }
    }
}
