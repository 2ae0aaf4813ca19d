//! An error as a page. Plain HTML without the console around it: it must also work while the
//! database is down, and before anyone has signed in.

use signalbox_app::display::Theme;
use signalbox_model::problem::Problem;

/// The page for `problem`; `stylesheet` is its address, `request_id` what the log knows it by.
pub fn error_page(problem: &Problem, theme: Theme, stylesheet: &str, request_id: &str) -> String {
    let (title, detail) = (escape(&problem.title), escape(&problem.detail));
    let (stylesheet, request_id) = (escape(stylesheet), escape(request_id));
    let status = problem.status;
    let theme =
        theme.attribute().map(|name| format!(r#" data-theme="{name}""#)).unwrap_or_default();
    let way_on = match status {
        401 => r#"<a class="button primary" href="/login">Sign in</a>"#,
        503 => r#"<a class="button primary" href="">Try again</a>"#,
        _ => r#"<a class="button primary" href="/">Go to the start</a>"#,
    };
    format!(
        r#"<!DOCTYPE html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Signalbox</title>
<link rel="icon" type="image/svg+xml" href="/favicon-danger.svg">
<link rel="stylesheet" href="{stylesheet}">
</head>
<body>
<div class="bare">
<main class="panel fault">
<p class="code">Error {status}</p>
<h1>{title}</h1>
<p>{detail}</p>
<p>{way_on}</p>
<p class="fresh">Request <code>{request_id}</code></p>
</main>
</div>
</body>
</html>
"#
    )
}

/// `text` as it stands in HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_sent_cannot_become_markup() {
        let problem = Problem::new(404, "not-found", "Not found", "<script>alert(1)</script>");
        let page = error_page(&problem, Theme::Dark, "/pkg/signalbox.css", "\"><b>");
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert!(page.contains(r#"<html lang="en" data-theme="dark">"#), "{page}");
    }
}
