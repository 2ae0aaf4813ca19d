//! Requests as they are meant to be: made from the API's own documentation, and from the pages' routes.

use axum::body::Body;
use http::{Method, Request, Uri};
use leptos_axum::generate_route_list;
use serde_json::{Map, Value, json};
use signalbox_app::App;

use super::mutation::Dice;

/// Names that mean something to the system, and some that do not.
const NAMES: [&str; 24] = [
    "system",
    "system.noop",
    "system.sleep",
    "domains.discovery",
    "mcp",
    "discovery_rpm",
    "breaker-open",
    "dlq-growth",
    "success-rate",
    "workers",
    "scheduler",
    "domains.cleanup",
    "available",
    "dead",
    "pending",
    "retry",
    "delete",
    "pause",
    "resume",
    "run_now",
    "change",
    "refresh",
    "*/5 * * * *",
    "nothing",
];

/// A request, before it is one.
#[derive(Debug, Clone)]
pub struct Sample {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Something that can be asked for.
pub struct Route {
    pub path: String,
    method: String,
    operation: Value,
    schemas: Map<String, Value>,
}

/// Every operation of `document`, and every page.
pub fn routes(document: &Value) -> Vec<Route> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            routes.push(Route {
                path: path.clone(),
                method: method.to_uppercase(),
                operation: operation.clone(),
                schemas: schemas.clone(),
            });
        }
    }
    let pages = generate_route_list(App).into_iter().map(|route| Route {
        path: route.path().to_owned(),
        method: "GET".to_owned(),
        operation: json!({}),
        schemas: Map::new(),
    });
    let pages: Vec<_> = pages.filter(|page| !page.path.starts_with("/api/")).collect();
    assert!(routes.len() > 100 && pages.len() > 15, "{} {}", routes.len(), pages.len());
    routes.extend(pages);
    routes
}

impl Route {
    /// A request as the route wants it; a server function gets the `fields`.
    pub fn sample(&self, dice: &mut Dice, fields: &[&str]) -> Sample {
        let mut sample = Sample {
            method: self.method.clone(),
            path: self.filled_path(dice),
            query: String::new(),
            headers: vec![("accept".to_owned(), b"application/json".to_vec())],
            body: Vec::new(),
        };
        let parameters = self.operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut pairs = Vec::new();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            if parameter["required"] == true || dice.below(2) == 0 {
                let value = self.value(&parameter["schema"], dice, 0);
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                pairs.push(format!("{}={}", parameter["name"].as_str().unwrap(), escape(&text)));
            }
        }
        sample.query = pairs.join("&");
        for (media_type, content) in
            self.operation["requestBody"]["content"].as_object().into_iter().flatten()
        {
            sample.headers.push(("content-type".to_owned(), media_type.clone().into_bytes()));
            sample.body = if media_type.ends_with("urlencoded") {
                let pairs: Vec<_> =
                    fields.iter().map(|field| format!("{field}={}", escape(&word(dice)))).collect();
                pairs.join("&").into_bytes()
            } else if media_type.ends_with("ndjson") {
                "{\"kind\":\"system.noop\",\"payload\":{}}\n".repeat(dice.below(4)).into_bytes()
            } else {
                self.value(&content["schema"], dice, 0).to_string().into_bytes()
            };
        }
        sample
    }

    fn filled_path(&self, dice: &mut Dice) -> String {
        let fill = |part: &str, dice: &mut Dice| {
            if part.starts_with(['{', ':']) { escape(&word(dice)) } else { part.to_owned() }
        };
        self.path.split('/').map(|part| fill(part, dice)).collect::<Vec<_>>().join("/")
    }

    fn value(&self, schema: &Value, dice: &mut Dice, depth: usize) -> Value {
        if depth > 8 {
            return Value::Null;
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.value(&self.schemas[name], dice, depth + 1);
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        for several in ["enum", "oneOf", "anyOf"] {
            if let Some(options) = schema[several].as_array() {
                let one = dice.one_of(options);
                let mut value =
                    if several == "enum" { one.clone() } else { self.value(one, dice, depth + 1) };
                self.add_fields(&mut value, schema, dice, depth);
                return value;
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => dice.one_of(kinds).clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("integer") => json!(dice.below(200)),
            Some("number") => json!(dice.below(200) as f64 / 7.0),
            Some("boolean") => json!(dice.below(2) == 0),
            Some("string") if schema["format"] == "date-time" => json!("2026-01-31T08:00:00Z"),
            Some("string") => json!(word(dice)),
            Some("array") => {
                (0..dice.below(4)).map(|_| self.value(&schema["items"], dice, depth + 1)).collect()
            }
            Some("object") => {
                let mut value = json!({});
                self.add_fields(&mut value, schema, dice, depth);
                value
            }
            _ => Value::Null,
        }
    }

    fn add_fields(&self, value: &mut Value, schema: &Value, dice: &mut Dice, depth: usize) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            // Nobody may act for somebody else; that is looked at elsewhere.
            let wanted = required.iter().any(|one| *one == name.as_str()) || dice.below(2) == 0;
            if wanted && name != "requestedBy" && value.is_object() {
                value[name] = self.value(field, dice, depth + 1);
            }
        }
    }
}

impl Sample {
    /// The request; the nearest one that HTTP can carry, where a mutation went too far.
    pub fn into_request(self) -> Request<Body> {
        let target =
            if self.query.is_empty() { self.path } else { format!("{}?{}", self.path, self.query) };
        let uri: Uri = target.parse().unwrap_or_else(|_| {
            let ascii: String =
                target.chars().filter(|c| c.is_ascii_graphic()).take(8000).collect();
            ascii.parse().unwrap_or_else(|_| "/".parse().unwrap())
        });
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or(Method::GET);
        let mut request = Request::builder().method(method).uri(uri).header("host", "localhost");
        for (name, value) in self.headers {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                request = request.header(name, value);
            }
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

/// A request by a program that means well.
pub fn plain(method: &str, path: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
    let request = request.header("host", "localhost").header("content-type", "application/json");
    request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
}

fn word(dice: &mut Dice) -> String {
    if dice.below(3) == 0 { dice.below(40).to_string() } else { (*dice.one_of(&NAMES)).to_owned() }
}

fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
