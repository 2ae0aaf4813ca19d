//! `.env.example`, generated from the command line so that the two cannot disagree.

use clap::CommandFactory as _;

use crate::cli::Cli;

const HEAD: &str = "\
# Every variable that Signalbox reads, each with its default. Unset is fine: all are optional.
# Generated from the command line; a test keeps it in step (UPDATE_ENV_EXAMPLE=1 rewrites it).
";

/// The text of `.env.example`.
pub fn env_example() -> String {
    let command = Cli::command();
    let mut text = HEAD.to_owned();
    for arg in command.get_arguments() {
        let Some(variable) = arg.get_env() else { continue };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let allowed: Vec<_> =
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        text.push_str(&format!("\n# {}\n", help.replace('\n', " ")));
        if !allowed.is_empty() && !arg.is_hide_possible_values_set() {
            text.push_str(&format!("# Allowed: {}.\n", allowed.join(", ")));
        }
        text.push_str(&format!("#{}={}\n", variable.to_string_lossy(), default.join(",")));
    }
    text
}
