//! Lines out of a streamed body, in constant memory.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

/// Why there is no next line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is longer than allowed.
    #[error("is longer than {bound} bytes")]
    TooLong {
        /// How long a line may be.
        bound: usize,
    },
    /// The body broke off.
    #[error("did not arrive as a whole")]
    BrokenOff,
}

/// Reads a body line by line.
pub struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// No line end lies before this position of the buffer.
    searched: usize,
    ended: bool,
    /// The number of the last line returned, counted from 1.
    number: usize,
    bound: usize,
}

impl Lines {
    /// Reads `body`, whose lines have at most `bound` bytes.
    pub fn new(body: Body, bound: usize) -> Lines {
        let body = body.into_data_stream();
        Lines { body, buffer: BytesMut::new(), searched: 0, ended: false, number: 0, bound }
    }

    /// The number of the last line returned, counted from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next line that is not blank, without its end; `None` at the end of the body.
    ///
    /// # Errors
    /// When the line is too long or the body breaks off; nothing can be read after that.
    pub async fn next(&mut self) -> Result<Option<Bytes>, LineError> {
        while let Some(line) = self.next_raw().await? {
            self.number += 1;
            let line = Bytes::from(line);
            let line = line.slice_ref(line.trim_ascii());
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    async fn next_raw(&mut self) -> Result<Option<BytesMut>, LineError> {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') {
                let line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.bound {
                self.number += 1;
                return Err(LineError::TooLong { bound: self.bound });
            }
            if self.ended {
                self.searched = 0;
                let rest = self.buffer.split();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(_)) => {
                    self.number += 1;
                    return Err(LineError::BrokenOff);
                }
                None => self.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::convert::Infallible;

    use super::*;

    fn lines(chunks: &'static [&'static str], bound: usize) -> Lines {
        let stream = futures::stream::iter(chunks.iter().map(|c| Ok::<_, Infallible>(*c)));
        Lines::new(Body::from_stream(stream), bound)
    }

    #[tokio::test]
    async fn lines_are_found_across_chunks_and_blank_ones_are_only_counted() {
        let mut lines = lines(&["{\"a\"", ":1}\r\n\n", "{}\nlast"], 20);
        assert_eq!(lines.next().await.unwrap().unwrap(), "{\"a\":1}");
        assert_eq!(lines.next().await.unwrap().unwrap(), "{}");
        assert_eq!(lines.number(), 3);
        assert_eq!(lines.next().await.unwrap().unwrap(), "last");
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_kept_in_memory() {
        let mut lines = lines(&["0123456789", "0123456789"], 15);
        assert_eq!(lines.next().await, Err(LineError::TooLong { bound: 15 }));
    }
}
