//! CSV exports (OP-12): streamed from PostgreSQL's own COPY, in constant memory, with the line
//! ends of RFC 4180.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde_json::Value;
use sqlx::postgres::PgPoolCopyExt;

use crate::audit::{self, Act};
use crate::{CommandError, Ctx};

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
    let rows = ctx.db.copy_out_raw(&copy).await?;
    let mut quoted = false;
    Ok(rows.map(move |chunk| chunk.map(|bytes| with_crlf(&bytes, &mut quoted))))
}

/// `bytes` with CR LF for every LF that ends a record. `quoted` carries over from chunk to chunk
/// whether we are inside quotes, where line ends are data.
fn with_crlf(bytes: &[u8], quoted: &mut bool) -> Bytes {
    let mut out = BytesMut::with_capacity(bytes.len() + 16);
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
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_12_only_line_ends_between_records_become_crlf() {
        let mut quoted = false;
        let mut out = Vec::new();
        for chunk in ["a,b\n\"x", "\ny\"\"", "\",z\n"] {
            out.extend_from_slice(&with_crlf(chunk.as_bytes(), &mut quoted));
        }
        assert_eq!(out, b"a,b\r\n\"x\ny\"\"\",z\r\n");
        assert!(!quoted);
    }
}
