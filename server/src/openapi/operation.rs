//! One operation of the API, as its function's types describe it.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::problem::PROBLEM_JSON;

/// A parameter in the path or in the query.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it must be there.
    pub required: bool,
    /// What it may hold.
    pub schema: Value,
}

/// An answer: its status, media type and schema.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The media type and the schema; nothing where there is no body.
    pub content: Option<(&'static str, Value)>,
}

/// An operation, while its types describe it.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// What the path's parameters hold, in their order.
    pub path: Vec<Value>,
    /// The query's parameters.
    pub query: Vec<Parameter>,
    /// The body's media type and schema.
    pub body: Option<(&'static str, Value)>,
    /// The answers, where nothing goes wrong.
    pub answers: Vec<Answered>,
    /// It can be refused with a problem.
    pub refuses: bool,
}

/// Schemas, and the definitions they refer to.
#[derive(Debug)]
pub struct Schemas(SchemaGenerator);

impl Default for Schemas {
    fn default() -> Schemas {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas".into());
        Schemas(settings.into_generator())
    }
}

impl Schemas {
    /// A reference to `T`.
    pub fn of<T: JsonSchema>(&mut self) -> Value {
        self.0.subschema_for::<T>().to_value()
    }

    /// `T` itself, which nothing else refers to.
    pub fn inline<T: JsonSchema>(&mut self) -> Schema {
        T::json_schema(&mut self.0)
    }

    /// The parameters that the fields of `T` are.
    pub fn parameters<T: JsonSchema>(&mut self) -> Vec<Parameter> {
        let schema = self.inline::<T>();
        let required: Vec<_> =
            schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let fields =
            schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        fields
            .into_iter()
            .map(|(name, schema)| Parameter {
                required: required.iter().any(|field| *field == name.as_str()),
                name,
                schema: never_null(schema),
            })
            .collect()
    }

    /// Everything that is referred to.
    pub fn definitions(mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}

/// A parameter is there or it is not; it cannot be null.
fn never_null(mut schema: Value) -> Value {
    if let Some(types) = schema.get_mut("type").filter(|types| types.is_array()) {
        let kept: Vec<_> =
            types.as_array().into_iter().flatten().filter(|t| *t != "null").cloned().collect();
        if let [only] = kept.as_slice() {
            *types = only.clone();
        }
    }
    if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
        let kept: Vec<_> = options.iter().filter(|one| one["type"] != "null").cloned().collect();
        if let [only] = kept.as_slice() {
            let mut only = only.clone();
            if let (Some(only), Some(description)) =
                (only.as_object_mut(), schema.get("description"))
            {
                only.insert("description".to_owned(), description.clone());
            }
            return only;
        }
    }
    schema
}

impl Operation {
    /// It answers `status` with JSON.
    pub fn answers_json<T: JsonSchema>(&mut self, status: u16, schemas: &mut Schemas) {
        self.answers(status, Some(("application/json", schemas.of::<T>())));
    }

    /// It answers `status` with `content`.
    pub fn answers(&mut self, status: u16, content: Option<(&'static str, Value)>) {
        self.answers.push(Answered { status, content });
    }

    /// As a member of the document's `paths`.
    pub fn to_value(&self, path: &str, about: Value) -> Value {
        let mut names =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = self.path.iter().filter_map(|schema| {
            Some(json!({ "name": names.next()?, "in": "path", "required": true, "schema": schema }))
        });
        let in_query = self.query.iter().map(|Parameter { name, required, schema }| {
            json!({ "name": name, "in": "query", "required": required, "schema": schema })
        });
        let parameters: Vec<_> = in_path.chain(in_query).collect();
        let mut operation = about;
        if !parameters.is_empty() {
            operation["parameters"] = Value::Array(parameters);
        }
        if let Some((media_type, schema)) = &self.body {
            let mut content = Map::new();
            content.insert((*media_type).to_owned(), json!({ "schema": schema }));
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        operation["responses"] = self.responses();
        operation
    }

    fn responses(&self) -> Value {
        let mut responses = Map::new();
        for Answered { status, content } in &self.answers {
            let description = http::StatusCode::from_u16(*status)
                .ok()
                .and_then(|status| status.canonical_reason());
            let mut response = json!({ "description": description.unwrap_or_default() });
            if let Some((media_type, schema)) = content {
                response["content"] = json!({ (*media_type): { "schema": schema } });
            }
            responses.insert(status.to_string(), response);
        }
        if self.refuses {
            let problem = |description| {
                let schema = json!({ "$ref": "#/components/schemas/Problem" });
                json!({ "description": description, "content": { PROBLEM_JSON: { "schema": schema } } })
            };
            responses.insert("4XX".to_owned(), problem("What is wrong with the request"));
            responses
                .entry("503")
                .or_insert_with(|| problem("The database does not answer; nothing was changed"));
        }
        Value::Object(responses)
    }
}
