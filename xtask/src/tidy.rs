//! `tidy`: the invariants of `ARCHITECTURE.md` that can be checked by reading, one file each.

mod clock;
mod dependencies;
mod direction;
mod length;
mod migrations;
mod papers;
mod printing;
mod source;
mod sql;
mod transitions;

use std::process::ExitCode;

use crate::Failure;
use source::{Finding, Source};

/// Checks everything, prints what was found.
pub fn run() -> Result<ExitCode, Failure> {
    let sources = Source::read_all()?;
    let checks: [(&str, Vec<Finding>); 9] = [
        ("SQL only under engine/ and pipelines/", sql::check(&sources)),
        ("a job changes state in one file", transitions::check(&sources)),
        ("the current time is read in one file", clock::check(&sources)),
        ("one direction of dependency", direction::check()?),
        ("nothing prints but the tools", printing::check(&sources)),
        ("no file is too long", length::check(&sources)),
        ("every migration says what it is for", migrations::check()?),
        ("the papers are there", papers::check()),
        ("every dependency has its reason", dependencies::check()?),
    ];
    let mut found = 0;
    for (invariant, findings) in checks {
        println!("{} {invariant}", if findings.is_empty() { "ok   " } else { "BROKEN" });
        for finding in &findings {
            println!("       {finding}");
        }
        found += findings.len();
    }
    if found == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{found} breaches");
    Ok(ExitCode::FAILURE)
}
