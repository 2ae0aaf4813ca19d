/// What somebody searches for: trimmed; nothing when that leaves nothing, or when it contains
/// U+0000, which no text in PostgreSQL does.
pub fn wanted(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'))
}
