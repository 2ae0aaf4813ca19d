//! Asking the server for a connection, in its own protocol: the one health check that needs no program and cannot lie.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::layout::socket;

const TIMEOUT: Duration = Duration::from_secs(5);
/// SQLSTATE of a server that starts, recovers or shuts down.
const CANNOT_CONNECT_NOW: &[u8] = b"C57P03\0";
/// Version 3.0 of the protocol.
const PROTOCOL: i32 = 196_608;
/// Longer than any answer to a first message.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What the server said.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It accepts connections.
    Ready,
    /// It runs, but does not take connections now, with its words.
    Starting(String),
    /// Nobody there, or no answer in time.
    Silent(String),
}

/// Asks once; at most 5 s.
pub(crate) async fn ping(socket_dir: &Path) -> Answer {
    match tokio::time::timeout(TIMEOUT, ask(&socket(socket_dir))).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Silent(error.to_string()),
        Err(_) => Answer::Silent(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

async fn ask(socket: &Path) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&startup_message()).await?;
    let kind = stream.read_u8().await?;
    let length = usize::try_from(stream.read_i32().await?).unwrap_or(0);
    let mut body = vec![0; length.saturating_sub(4).min(MAX_ANSWER_BYTES)];
    stream.read_exact(&mut body).await?;
    if kind == b'E' && contains(&body, CANNOT_CONNECT_NOW) {
        return Ok(Answer::Starting(message(&body)));
    }
    // Any other answer (authentication asked for, too many connections) is that of a running server. Say good-bye.
    let _ = stream.write_all(&[b'X', 0, 0, 0, 4]).await;
    Ok(Answer::Ready)
}

fn startup_message() -> Vec<u8> {
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = i32::try_from(8 + parameters.len()).unwrap_or_default();
    let mut message = Vec::new();
    message.extend(length.to_be_bytes());
    message.extend(PROTOCOL.to_be_bytes());
    message.extend(parameters);
    message
}

/// The human text (field `M`) of an error.
fn message(body: &[u8]) -> String {
    body.split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(b"M"))
        .map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
