//! Spans of what takes time, for those who collect traces: the run of a job, a call to a provider, a
//! request.

/// Their target. With it goes the level `TRACE`, so that no log line shows them by default, and they
/// cost nothing where nobody collects traces.
pub const TARGET: &str = "signalbox::span";
