//! What happened: the outcome of a command, as the page shows it.

use serde::{Deserialize, Serialize};
use signalbox_model::problem::FieldError;

use crate::error::AppError;

/// How an outcome is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// It was done.
    #[default]
    Done,
    /// It was not done.
    Failed,
}

/// The outcome of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it was done.
    pub tone: Tone,
    /// What happened, in a sentence.
    pub text: String,
    /// Where to see it: address and label.
    #[serde(default)]
    pub link: Option<(String, String)>,
    /// What is shown this once and stands nowhere else: a one-time password, a token.
    #[serde(default)]
    pub secret: Option<String>,
    /// What is wrong with which field.
    #[serde(default)]
    pub errors: Vec<FieldError>,
    /// What was typed, by field, so that a form without JavaScript loses nothing.
    #[serde(default)]
    pub input: Vec<(String, String)>,
}

impl Notice {
    /// It was done.
    pub fn done(text: impl Into<String>) -> Notice {
        Notice { text: text.into(), ..Notice::default() }
    }

    /// Something could not be done, without an error of the server.
    pub(crate) fn failed(text: impl Into<String>) -> Notice {
        Notice { tone: Tone::Failed, text: text.into(), ..Notice::default() }
    }

    /// The same notice with a link to what it is about.
    #[must_use]
    pub fn link(mut self, href: impl Into<String>, label: impl Into<String>) -> Notice {
        self.link = Some((href.into(), label.into()));
        self
    }

    /// The same notice with what is shown this once.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Notice {
        self.secret = Some(secret.into());
        self
    }

    /// It was not done, and why.
    pub fn from_error(error: &AppError) -> Notice {
        let errors = match error {
            AppError::Invalid { errors, .. } => errors.clone(),
            _ => Vec::new(),
        };
        Notice { tone: Tone::Failed, text: error.to_string(), errors, ..Notice::default() }
    }

    /// The same notice with what was typed.
    #[must_use]
    pub fn with_input(mut self, input: &[(&str, &str)]) -> Notice {
        self.input = input.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self
    }

    /// What is wrong with `field`.
    pub fn error_of(&self, field: &str) -> Option<String> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.detail.clone())
    }

    /// What was typed into `field`.
    pub fn input_of(&self, field: &str) -> Option<String> {
        self.input.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    }
}
