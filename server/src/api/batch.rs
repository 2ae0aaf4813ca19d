//! `POST /api/jobs/batch`: many jobs in one request, one JSON object a line (NDJSON), streamed.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use signalbox_engine::CommandError;
use signalbox_engine::jobs::enqueue;
use signalbox_model::job::{JobId, NewJob, PAYLOAD_BYTES_BOUND};
use signalbox_model::problem::FieldError;

use super::input::{Signed, from_json};
use super::lines::{LineError, Lines};
use crate::openapi::describe::Answers;
use crate::openapi::operation::{Operation, Schemas};
use crate::problem::{ApiProblem, PROBLEM_JSON};

/// Jobs enqueued in one transaction.
const CHUNK_JOBS: usize = 1000;
/// The longest line: the largest payload and the rest of a job.
const LINE_BYTES_BOUND: usize = PAYLOAD_BYTES_BOUND + 4096;
/// At most this many wrong lines are listed.
const ERRORS_BOUND: usize = 100;

/// What a batch brought.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Outcome {
    /// Jobs that are new.
    enqueued: usize,
    /// Jobs that were there before under the same idempotency key.
    existed: usize,
    /// The jobs' numbers, in the order of the lines.
    ids: Vec<JobId>,
}

/// Jobs read but not enqueued yet.
#[derive(Default)]
struct Chunk {
    jobs: Vec<NewJob>,
    /// The line of each job.
    lines: Vec<usize>,
    errors: Vec<FieldError>,
}

/// Enqueues chunk by chunk, each in one transaction. The first chunk with a wrong line ends it:
/// nothing of that chunk is enqueued, and the answer (422) lists its wrong lines beside what the
/// chunks before brought. With idempotency keys the corrected batch can simply be sent again.
pub async fn enqueue_batch(signed: Signed, request: Request<Body>) -> Batch {
    let mut outcome = Outcome::default();
    Batch(match run(&signed, request.into_body(), &mut outcome).await {
        Ok(()) => axum::Json(outcome).into_response(),
        Err(problem) => with_outcome(problem, &outcome),
    })
}

/// The answer to a batch: its outcome, or a problem with what was done before it.
pub struct Batch(Response);

impl IntoResponse for Batch {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answers for Batch {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<Outcome>(200, schemas);
    }
}

async fn run(signed: &Signed, body: Body, outcome: &mut Outcome) -> Result<(), ApiProblem> {
    let mut lines = Lines::new(body, LINE_BYTES_BOUND);
    let mut chunk = Chunk::default();
    loop {
        let line = match lines.next().await {
            Ok(line) => line,
            Err(LineError::BrokenOff) => {
                let detail = format!("The body broke off in line {}.", lines.number());
                return Err(ApiProblem::bad_request(Vec::new(), detail));
            }
            Err(error) => {
                chunk.refuse(lines.number(), [FieldError::new("", error.to_string())]);
                return Err(ApiProblem::invalid(chunk.errors));
            }
        };
        let at_end = line.is_none();
        if let Some(line) = line {
            chunk.read(lines.number(), &line);
        }
        if chunk.jobs.len() == CHUNK_JOBS || chunk.errors.len() >= ERRORS_BOUND || at_end {
            std::mem::take(&mut chunk).enqueue(signed, outcome).await?;
        }
        if at_end {
            return Ok(());
        }
    }
}

impl Chunk {
    fn read(&mut self, number: usize, line: &[u8]) {
        match from_json(line) {
            Ok(job) => {
                self.jobs.push(job);
                self.lines.push(number);
            }
            Err(ApiProblem { problem, .. }) if problem.errors.is_empty() => {
                self.refuse(number, [FieldError::new("", problem.detail)]);
            }
            Err(ApiProblem { problem, .. }) => self.refuse(number, problem.errors),
        }
    }

    fn refuse(&mut self, number: usize, errors: impl IntoIterator<Item = FieldError>) {
        for error in errors {
            if self.errors.len() < ERRORS_BOUND {
                let field = match error.field.as_str() {
                    "" => format!("line {number}"),
                    field => format!("line {number}: {field}"),
                };
                self.errors.push(FieldError::new(field, error.detail));
            }
        }
    }

    async fn enqueue(mut self, signed: &Signed, outcome: &mut Outcome) -> Result<(), ApiProblem> {
        if !self.errors.is_empty() {
            return Err(ApiProblem::invalid(self.errors));
        }
        if self.jobs.is_empty() {
            return Ok(());
        }
        let jobs = std::mem::take(&mut self.jobs);
        let enqueued = enqueue::enqueue_batch(&signed.ctx, &signed.registry, jobs).await;
        for job in enqueued.map_err(|error| self.with_lines(error))? {
            outcome.ids.push(job.id);
            if job.existed {
                outcome.existed += 1;
            } else {
                outcome.enqueued += 1;
            }
        }
        Ok(())
    }

    /// The engine names the fields of job `n` of several `n.field`; the caller knows lines.
    fn with_lines(mut self, error: CommandError) -> ApiProblem {
        let CommandError::Invalid(errors) = error else { return error.into() };
        for FieldError { field, detail } in errors {
            let split = field.split_once('.').and_then(|(n, name)| Some((n.parse().ok()?, name)));
            let (index, name): (usize, &str) = split.unwrap_or((0, &field));
            let number = self.lines.get(index).copied().unwrap_or_default();
            self.refuse(number, [FieldError::new(name, detail)]);
        }
        ApiProblem::invalid(self.errors)
    }
}

/// The problem, with what was done before it (RFC 9457 allows further members).
fn with_outcome(problem: ApiProblem, outcome: &Outcome) -> Response {
    let status = StatusCode::from_u16(problem.problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut body = serde_json::to_value(&problem.problem).unwrap_or(Value::Null);
    body["enqueued"] = json!(outcome.enqueued);
    body["existed"] = json!(outcome.existed);
    body["ids"] = json!(outcome.ids);
    (status, [(CONTENT_TYPE, PROBLEM_JSON)], body.to_string()).into_response()
}
