//! How everything stands, as figures.

use signalbox_model::Timestamp;
use signalbox_model::breaker::BreakerState;
use signalbox_model::health::{Health, QueueHealth};

use super::text::{Kind, Text};

/// The most queues that have figures of their own: their names are chosen by whoever enqueues.
const QUEUES: usize = 100;

/// Writes what `health` says.
pub fn write(text: &mut Text, health: &Health, now: Timestamp) {
    jobs(text, health);
    providers(text, health);
    processes(text, health);
    connections(text, health);
    let age = seconds((now - health.as_of).num_milliseconds());
    text.gauge("signalbox_reading_age_seconds", "Age of the figures of the database.", age);
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn jobs(text: &mut Text, health: &Health) {
    let help = "Runs that ended, by kind and its usual queue, as far as the counters reach back.";
    let mut family = text.family("queue_jobs_total", Kind::Counter, help);
    for runs in &health.runs {
        for (outcome, count) in [("completed", runs.completed), ("failed", runs.failed)] {
            let labels = [("queue", &*runs.queue), ("kind", &*runs.kind), ("outcome", outcome)];
            family.figure(&labels, count as f64);
        }
    }
    let queues = &health.queues[..health.queues.len().min(QUEUES)];
    let help = "Jobs in each queue by state; those that wait are counted to 10000.";
    let mut family = text.family("signalbox_queue_jobs", Kind::Gauge, help);
    for QueueHealth { queue, deferred, .. } in queues {
        let states = [
            ("waiting", queue.waiting),
            ("scheduled", queue.scheduled - deferred),
            ("deferred", *deferred),
            ("running", queue.running),
            ("failed", queue.failed),
        ];
        for (state, count) in states {
            family.figure(&[("queue", &queue.name), ("state", state)], count as f64);
        }
    }
    let help = "How long the oldest due job of each queue has waited.";
    let mut family = text.family("signalbox_queue_oldest_seconds", Kind::Gauge, help);
    for queue in queues {
        let since = queue.oldest_waiting_since;
        let ms = since.map_or(0, |since| (health.as_of - since).num_milliseconds().max(0));
        family.figure(&[("queue", &queue.queue.name)], seconds(ms));
    }
    let letters = health.dead_letters;
    let mut family = text.family("signalbox_dead_letters", Kind::Gauge, "Dead letters by status.");
    for (status, count) in
        [("pending", letters.pending), ("retry_scheduled", letters.retry_scheduled)]
    {
        family.figure(&[("status", status)], count as f64);
    }
}

fn providers(text: &mut Text, health: &Health) {
    let help = "Calls to providers, counted from an hour before this process started.";
    let mut family = text.family("provider_api_calls_total", Kind::Counter, help);
    for source in &health.sources {
        for calls in &source.operations {
            let outcomes = [
                ("ok", calls.ok),
                ("failed", calls.failed),
                ("limited", calls.limited),
                ("refused", calls.refused),
            ];
            for (outcome, count) in outcomes {
                let labels = [
                    ("provider", &*source.breaker.provider),
                    ("operation", &*calls.operation),
                    ("outcome", outcome),
                ];
                family.figure(&labels, count as f64);
            }
        }
    }
    let help = "1 for the state that each provider's circuit breaker is in.";
    let mut family = text.family("signalbox_breaker_state", Kind::Gauge, help);
    for source in &health.sources {
        for state in BreakerState::ALL {
            let labels = [("provider", &*source.breaker.provider), ("state", state.name())];
            family.figure(&labels, f64::from(u8::from(source.breaker.state == state)));
        }
    }
    let help = "Calls a minute that each operation is allowed now.";
    let mut family = text.family("signalbox_rate_limit", Kind::Gauge, help);
    for rate in &health.rates {
        let labels = [("provider", &*rate.provider), ("operation", &*rate.operation)];
        family.figure(&labels, rate.in_force as f64);
    }
    let help = "Calls of each operation in the last minute.";
    let mut family = text.family("signalbox_rate_used", Kind::Gauge, help);
    for rate in &health.rates {
        let labels = [("provider", &*rate.provider), ("operation", &*rate.operation)];
        family.figure(&labels, rate.used as f64);
    }
}

fn processes(text: &mut Text, health: &Health) {
    let fleet = &health.fleet;
    let active = f64::from(u8::from(health.kill_switch.active));
    text.gauge("signalbox_kill_switch_active", "1 while the kill switch is on.", active);
    let lost = fleet.workers.iter().filter(|worker| !worker.alive).count();
    let stopped = fleet.workers.len() - lost - fleet.at_work();
    let mut family = text.family("signalbox_workers", Kind::Gauge, "Workers by state.");
    for (state, count) in [("at_work", fleet.at_work()), ("stopped", stopped), ("lost", lost)] {
        family.figure(&[("state", state)], count as f64);
    }
    let beats = fleet.workers.iter().filter(|worker| worker.alive).map(|w| w.heartbeat_at).min();
    let ms = beats.map_or(0, |at| (health.as_of - at).num_milliseconds().max(0));
    let help = "Age of the oldest heartbeat of a worker whose lease holds.";
    text.gauge("signalbox_worker_heartbeat_age_seconds", help, seconds(ms));
    let leads = f64::from(u8::from(fleet.scheduler.leads_since.is_some()));
    text.gauge("signalbox_scheduler_leads", "1 while a scheduler holds the lease.", leads);
    let schedules = health.schedules;
    let mut family = text.family("signalbox_schedules", Kind::Gauge, "Schedules by state.");
    for (state, count) in [("scheduled", schedules.scheduled), ("paused", schedules.paused)] {
        family.figure(&[("state", state)], count as f64);
    }
    let help = "How late the most overdue tick of a schedule is.";
    text.gauge("signalbox_schedule_lag_seconds", help, seconds(schedules.lag_ms));
}

fn connections(text: &mut Text, health: &Health) {
    let connections = health.connections;
    let figures = [
        ("database_connections_active", "Connections of this process in use.", connections.in_use),
        ("signalbox_database_connections_open", "Connections of this process.", connections.open),
        ("signalbox_database_connections_max", "The most it opens.", connections.pool_max),
        ("signalbox_database_server_connections", "Connections to the server.", connections.server),
        ("signalbox_database_server_connections_max", "The most it takes.", connections.server_max),
    ];
    for (name, help, value) in figures {
        text.gauge(name, help, value as f64);
    }
}
