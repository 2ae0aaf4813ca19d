use signalbox_model::actor::Permission;
use signalbox_model::problem::{FieldError, Problem};

/// Why a command was not carried out. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The actor may not do this.
    #[error("You may not {}.", permission.describe())]
    Forbidden {
        /// What it would have taken.
        permission: Permission,
    },
    /// There is no such thing.
    #[error("There is no {what}.")]
    NotFound {
        /// The thing, with its id.
        what: String,
    },
    /// The thing is not in a state that allows it.
    #[error("{0}")]
    Conflict(String),
    /// The input breaks a rule.
    #[error("{}", sentence(.0))]
    Invalid(Vec<FieldError>),
    /// The database did not answer, or refused.
    #[error("The database is not available.")]
    Unavailable(#[source] sqlx::Error),
}

/// PostgreSQL's `character_not_in_repertoire`: text cannot hold U+0000.
const NOT_TEXT: &str = "22021";

impl From<sqlx::Error> for CommandError {
    fn from(error: sqlx::Error) -> CommandError {
        let code = error.as_database_error().and_then(|error| error.code());
        if code.as_deref() == Some(NOT_TEXT) {
            return CommandError::invalid("input", "must not contain the character U+0000");
        }
        CommandError::Unavailable(error)
    }
}

impl CommandError {
    /// One invalid field.
    pub fn invalid(field: &str, detail: impl Into<String>) -> CommandError {
        CommandError::Invalid(vec![FieldError::new(field, detail)])
    }

    /// Goes on only if nothing is wrong with the input.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] with the problems.
    pub(crate) fn unless_fine(problems: Vec<FieldError>) -> Result<(), CommandError> {
        if problems.is_empty() { Ok(()) } else { Err(CommandError::Invalid(problems)) }
    }

    /// There is no `noun` number `id`.
    pub fn not_found(noun: &str, id: i64) -> CommandError {
        CommandError::NotFound { what: format!("{noun} {id}") }
    }

    /// The error as the API tells it. Carries nothing of the database's own error text.
    pub fn problem(&self) -> Problem {
        let detail = self.to_string();
        match self {
            CommandError::Forbidden { .. } => Problem::new(403, "forbidden", "Forbidden", detail),
            CommandError::NotFound { .. } => Problem::new(404, "not-found", "Not found", detail),
            CommandError::Conflict(_) => Problem::new(409, "conflict", "Conflict", detail),
            CommandError::Invalid(errors) => {
                let mut problem = Problem::new(422, "invalid", "Invalid input", detail);
                problem.errors.clone_from(errors);
                problem
            }
            CommandError::Unavailable(_) => {
                Problem::new(503, "unavailable", "Service unavailable", detail)
            }
        }
    }
}

fn sentence(errors: &[FieldError]) -> String {
    let parts: Vec<_> = errors.iter().map(|e| format!("{}: {}", e.field, e.detail)).collect();
    parts.join("; ")
}
