//! Somebody on call: a world, and a channel that remembers what it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use signalbox_engine::alerts::courier::{self, Channel, Outside};
use signalbox_engine::{alerts, logs};
use signalbox_model::alert::{Alert, RuleChange};

use super::World;

/// A channel that remembers, and refuses while it is told to.
#[derive(Debug, Default)]
pub struct Telephone {
    heard: Mutex<Vec<String>>,
    pub broken: Mutex<bool>,
}

impl Channel for Telephone {
    fn name(&self) -> &'static str {
        "telephone"
    }

    fn leads_to(&self) -> String {
        "the one on call".to_owned()
    }

    fn send<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if *self.broken.lock().unwrap() {
                return Err("nobody answers".to_owned());
            }
            self.heard.lock().unwrap().push(text.to_owned());
            Ok(())
        }
        .boxed()
    }
}

/// A world with somebody on call.
pub struct OnCall {
    pub world: World,
    pub telephone: Arc<Telephone>,
    pub outside: Outside,
}

impl OnCall {
    pub async fn new() -> OnCall {
        let telephone = Arc::new(Telephone::default());
        let outside = Outside {
            environment: "test".to_owned(),
            url: Some("https://ops.example.com".to_owned()),
            channels: vec![telephone.clone()],
        };
        OnCall { world: World::new().await, telephone, outside }
    }

    /// One look at all rules, and what is to be sent is.
    pub async fn watch(&self) {
        let world = &self.world;
        alerts::watch(&world.ctx, &world.registry, &self.outside).await.unwrap();
        courier::deliver(&world.db.pool, &world.ctx.clock, &self.outside).await.unwrap();
    }

    pub async fn after(&self, minutes: u64) {
        self.world.clock.advance(Duration::from_secs(60 * minutes));
        self.watch().await;
    }

    pub async fn firing(&self) -> Vec<Alert> {
        alerts::firing(&self.world.ctx).await.unwrap()
    }

    pub async fn fires(&self, rule: &str) -> bool {
        self.firing().await.iter().any(|alert| alert.rule == rule)
    }

    /// What was heard since the last time.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.telephone.heard.lock().unwrap())
    }

    pub async fn bury(&self, jobs: usize) {
        for _ in 0..jobs {
            self.world.enqueue("system.fail", json!({ "message": "no such post" })).await;
        }
        self.world.worker.drain().await.unwrap();
    }

    pub async fn change(&self, rule: &str, change: RuleChange) {
        alerts::change_rule(&self.world.ctx, rule, change).await.unwrap();
    }

    pub async fn logged(&self, event: &str) -> Vec<String> {
        let page = logs::search(&self.world.ctx, Some(event), None, None, None).await.unwrap();
        page.items.into_iter().map(|log| log.message).collect()
    }
}
