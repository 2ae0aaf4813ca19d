//! CSV exports (OP-12): streamed from PostgreSQL's own COPY, in constant memory, with the line
//! ends of RFC 4180.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use serde_json::Value;
use sqlx::postgres::PgPoolCopyExt;
use tokio::sync::Semaphore;

use crate::audit::{self, Act};
use crate::{CommandError, Ctx, db};

/// Rows are handed on in pieces of about this many bytes: COPY tells each by itself, and to send it
/// so takes several times as long.
const PIECE_BYTES: usize = 64 * 1024;

/// So many exports run at once; the next one waits for its turn.
///
/// Each has a connection of its own, which is closed with it. One that came from a pool would go back there
/// even if the caller has gone after the first piece, and the rest of the rows would be the answer to
/// whatever is asked on it next.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// A CSV in the making.
pub trait CsvStream: Stream<Item = Result<Bytes, sqlx::Error>> + Send + 'static {}
impl<S: Stream<Item = Result<Bytes, sqlx::Error>> + Send + 'static> CsvStream for S {}

/// Streams the rows of `select` as CSV with a header line, after recording the export in the audit
/// log. `select` is code, not input: values in it must be formatted from numbers and times only,
/// and its text columns go through the SQL function `csv_cell`.
///
/// # Errors
/// When the database does not answer. The caller has checked the permission.
pub async fn csv(
    ctx: &Ctx,
    subject: &str,
    details: Value,
    select: String,
) -> Result<impl CsvStream + use<>, CommandError> {
    let mut tx = ctx.db.begin().await?;
    let act = Act { action: "export.csv", subject, reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    tx.commit().await?;
    let copy = format!("COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER true)");
    let turn = AT_ONCE.acquire().await.ok();
    let rows = db::own_pool(&ctx.db).copy_out_raw(&copy).await?;
    Ok(in_pieces(rows).inspect(move |_| {
        let _ = &turn;
    }))
}

/// Gathers `rows` into pieces, with the line ends of RFC 4180.
fn in_pieces(rows: impl CsvStream + Unpin) -> impl CsvStream {
    stream::unfold((rows, false), |(mut rows, mut quoted)| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES + PIECE_BYTES / 8);
        while piece.len() < PIECE_BYTES {
            match rows.next().await {
                Some(Ok(row)) => add_with_crlf(&mut piece, &row, &mut quoted),
                Some(Err(error)) => return Some((Err(error), (rows, quoted))),
                None if piece.is_empty() => return None,
                None => break,
            }
        }
        Some((Ok(piece.freeze()), (rows, quoted)))
    })
}

/// Adds `bytes` to `out` with CR LF for every LF that ends a record. `quoted` carries over from call
/// to call whether we are inside quotes, where line ends are data.
fn add_with_crlf(out: &mut BytesMut, bytes: &[u8], quoted: &mut bool) {
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => *quoted = !*quoted,
            b'\n' if !*quoted => {
                out.extend_from_slice(&bytes[from..at]);
                out.extend_from_slice(b"\r\n");
                from = at + 1;
            }
            _ => {}
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn op_12_only_line_ends_between_records_become_crlf() {
        let mut quoted = false;
        let mut out = BytesMut::new();
        for chunk in ["a,b\n\"x", "\ny\"\"", "\",z\n"] {
            add_with_crlf(&mut out, chunk.as_bytes(), &mut quoted);
        }
        assert_eq!(out[..], b"a,b\r\n\"x\ny\"\"\",z\r\n"[..]);
        assert!(!quoted);
    }

    #[tokio::test]
    async fn op_12_rows_are_sent_in_pieces_and_an_error_is_passed_on() {
        let row = Bytes::from(vec![b'x'; 1000]);
        let rows = stream::iter((0..100).map(move |_| Ok(row.clone())));
        let broken = stream::iter([Err(sqlx::Error::RowNotFound)]);
        let pieces: Vec<_> = in_pieces(rows.clone()).collect().await;
        let sizes: Vec<_> = pieces.iter().map(|piece| piece.as_ref().unwrap().len()).collect();
        assert_eq!(sizes, [66_000, 34_000]);
        let pieces: Vec<_> = in_pieces(rows.chain(broken)).collect().await;
        assert!(pieces.last().unwrap().is_err());
    }
}
