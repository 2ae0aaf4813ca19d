//! The documentation as a page: plain HTML made when the server starts, with no script at all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::error_page::escape;

/// The page that shows `document`; `stylesheet` is the address of the console's own.
pub fn page(document: &Value, stylesheet: &str) -> String {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let section = sections.entry(text(&operation["tags"][0])).or_default();
            write_operation(section, method, path, operation);
            count += 1;
        }
    }
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let schemas = schemas.fold(String::new(), |mut html, (name, schema)| {
        let _ =
            write!(html, "<h3 id=\"{0}\">{0}</h3>{1}", escape(name), schema_block(name, schema));
        html
    });
    let mut contents = String::new();
    let mut body = String::new();
    for (tag, operations) in &sections {
        let (id, name) = (tag.replace(' ', "-"), escape(tag));
        let _ = write!(contents, "<li><a href=\"#{id}\">{name}</a></li>");
        let _ = write!(body, "<section><h2 id=\"{id}\">{name}</h2>{operations}</section>");
    }
    format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Signalbox</title>
<link rel="icon" type="image/svg+xml" href="/favicon-clear.svg">
<link rel="stylesheet" href="{stylesheet}">
</head>
<body>
<main class="reference">
<h1>API</h1>
<p>{count} operations. The same for programs, as OpenAPI 3.1: <a href="/api/docs/openapi.json">openapi.json</a>.</p>
<p>Sign in with <code>POST /api/auth/login</code> and send its cookie with every other request. Errors are
<code>application/problem+json</code> (RFC 9457); every answer carries <code>x-request-id</code>.</p>
<nav aria-label="Contents"><ul>{contents}<li><a href="#schemas">schemas</a></li></ul></nav>
{body}
<section><h2 id="schemas">schemas</h2>{schemas}</section>
</main>
</body>
</html>
"##,
        stylesheet = escape(stylesheet)
    )
}

fn write_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let (id, path) = (escape(text(&operation["operationId"])), escape(path));
    let method = method.to_uppercase();
    let _ = write!(html, "<article><h3 id=\"{id}\"><code>{method} {path}</code></h3>");
    let _ = write!(html, "<p>{}</p>", escape(text(&operation["summary"])));
    if let Some(needs) = operation["description"].as_str() {
        let _ = write!(html, "<p>{}</p>", escape(needs));
    }
    let parameters: Vec<_> = operation["parameters"].as_array().into_iter().flatten().collect();
    if !parameters.is_empty() {
        html.push_str("<ul>");
        for parameter in parameters {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            let needed = if parameter["required"] == true { ", required" } else { "" };
            let about = text(&parameter["schema"]["description"]);
            let kind = kind(&parameter["schema"]);
            let _ = write!(
                html,
                "<li><code>{}</code> in the {place}: {kind}{needed}. {}</li>",
                escape(name),
                escape(about)
            );
        }
        html.push_str("</ul>");
    }
    for (media_type, content) in
        operation["requestBody"]["content"].as_object().into_iter().flatten()
    {
        let title = format!("Body, {media_type}");
        html.push_str(&schema_block(&title, &content["schema"]));
    }
    html.push_str("<ul>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let about = escape(text(&response["description"]));
        let _ = write!(html, "<li>{status} {about}");
        for (media_type, content) in response["content"].as_object().into_iter().flatten() {
            let _ = write!(html, ", {}: {}", escape(media_type), kind(&content["schema"]));
        }
        html.push_str("</li>");
    }
    html.push_str("</ul></article>");
}

/// A schema in full, folded away.
fn schema_block(title: &str, schema: &Value) -> String {
    let json = serde_json::to_string_pretty(schema).unwrap_or_default();
    let title = escape(title);
    format!(
        "<details><summary>{title}</summary><pre tabindex=\"0\" aria-label=\"{title}\"><code>{}</code></pre></details>",
        escape(&json)
    )
}

/// What a schema is, in a word, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escape(name));
    }
    match &schema["type"] {
        Value::String(kind) => match schema["items"].as_object() {
            Some(_) => format!("array of {}", self::kind(&schema["items"])),
            None => escape(kind),
        },
        _ => "any".to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
