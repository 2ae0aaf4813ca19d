//! Who may do what (OP-7, JS-10): every route of the API, every server function and every page, asked by everybody there is. What comes
//! back is compared with `authz_matrix.txt`, line by line: a new route without a line there fails, and so does one whose rights have changed.
//! `SIGNALBOX_BLESS=1` writes that file anew, for a person to read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::TimeDelta;
use futures::StreamExt as _;
use leptos_axum::generate_route_list;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use signalbox_app::App;
use signalbox_engine::auth::{sessions, users};
use signalbox_model::actor::{Permission, Role};
use tower_sessions::session::Id;

use crate::support::Console;

const MATRIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/authz_matrix.txt");

/// Everybody there is, in the order of the columns.
const PEOPLE: [Person; 8] = [
    Person::Stranger,
    Person::Expired,
    Person::Disabled,
    Person::Is(Role::Technician),
    Person::Is(Role::QaLead),
    Person::Is(Role::Viewer),
    Person::Is(Role::Operator),
    Person::Is(Role::Admin),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    /// Has no session.
    Stranger,
    /// Is an admin whose session has ended.
    Expired,
    /// Was an admin.
    Disabled,
    /// Is signed in.
    Is(Role),
}

impl Person {
    fn name(self) -> &'static str {
        match self {
            Person::Stranger => "stranger",
            Person::Expired => "expired",
            Person::Disabled => "disabled",
            Person::Is(role) => role.name(),
        }
    }

    fn email(self) -> String {
        format!("{}@people.example", self.name())
    }
}

/// What is asked.
struct Question {
    method: Method,
    /// As the matrix names it.
    pattern: String,
    /// As it is asked.
    path: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Api,
    Function,
    Page,
}

/// What stands in a path for its parameters: things that are there where that is possible.
const PARAMETERS: [(&str, &str); 11] = [
    ("id", "1"),
    ("email", "viewer@people.example"),
    ("handle", "0000000000000000"),
    ("incident", "database"),
    ("key", "discovery_rpm"),
    ("name", "system"),
    ("part", "workers"),
    ("provider", "mcp"),
    ("rule", "success-rate"),
    ("file", "x"),
    ("table", "users"),
];

fn filled(pattern: &str, open: &str, close: &str) -> String {
    PARAMETERS.iter().fold(pattern.to_owned(), |path, (name, value)| {
        path.replace(&format!("{open}{name}{close}"), value)
    })
}

/// A form that has what the server functions ask for. They check who asks before anything else, so
/// that what is in it does not matter, as long as it can be read.
const FORM: &str = "id=1&name=system&reason=x&email=nobody@example.com&role=viewer&handle=x&key=discovery_rpm&value=30&days=1&limit=1\
    &query=a%3Db&list=jobs&provider=mcp&incident=database&lever=reset_breaker&target=mcp&severity=P4&note=x&cron=0+0+*+*+*&zone=UTC&on=true\
    &fingerprint=x&mark=resolved&up_to=0&jobs=0&letters=0&rate_per_second=1&minutes=5&part=scheduler&stop=false\
    &password=wrong&current=wrong&new=another+long+password&scopes%5B0%5D=read_console&code=000000&table=users&pid=1&backup=1&connection=1-1&task=analyze";

/// What some of them ask for besides.
fn action(function: &str) -> &'static str {
    match function {
        "act_on_user" => "&action=end_sessions",
        "act_on_breaker" => "&action=reset",
        "set_provider_key" => "&expiresAt=",
        "start_bulk_operation" | "preview_bulk_operation" => "&action=retry&filter=%7B%7D",
        "act_on_jobs" | "preview_jobs" => "&action=hold&filter=%7B%7D",
        _ => "",
    }
}

struct World {
    console: Console,
    client: Client,
}

impl World {
    async fn new() -> World {
        let console = Console::start().await;
        let (db, clock) = (&console.db.pool, &console.system.clock);
        for person in PEOPLE {
            let role = match person {
                Person::Is(role) => role,
                _ => Role::Admin,
            };
            users::create(db, clock, &person.email(), "a password to have", role, false)
                .await
                .unwrap();
        }
        disable(&console).await;
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        World { console, client }
    }

    /// The cookie of a session of its own for each question: some end the one they come with.
    async fn cookie(&self, person: Person) -> Option<String> {
        let now = self.console.system.now();
        let (began, ends) = match person {
            Person::Stranger => return None,
            Person::Expired => (now - TimeDelta::days(8), now + TimeDelta::hours(1)),
            _ => (now, now + TimeDelta::hours(1)),
        };
        let id = Id::default().to_string();
        let data = json!({ "email": person.email(), "began_s": began.timestamp() });
        sessions::insert(&self.console.db.pool, &id, &data, ends).await.unwrap();
        Some(format!("signalbox_session={id}"))
    }

    async fn ask(&self, question: &Question, person: Person) -> &'static str {
        let url = format!("{}{}", self.console.base, question.path);
        let mut request = self.client.request(question.method.clone(), url);
        if let Some(cookie) = self.cookie(person).await {
            request = request.header("cookie", cookie);
        }
        request = match question.kind {
            Kind::Api if question.method == Method::GET => request,
            Kind::Api => request.json(&json!({})),
            Kind::Function => {
                let function = question.path.rsplit('/').next().unwrap();
                let form = format!("{FORM}{}", action(function));
                request.header("content-type", "application/x-www-form-urlencoded").body(form)
            }
            Kind::Page => request.header("accept", "text/html"),
        };
        let response = request.send().await.unwrap();
        let to_login = response.headers().get("location").is_some_and(|location| {
            location.to_str().is_ok_and(|location| location.starts_with("/login"))
        });
        match response.status() {
            StatusCode::UNAUTHORIZED => "401",
            StatusCode::FORBIDDEN => "403",
            StatusCode::SEE_OTHER if to_login => "login",
            status if status.is_server_error() => "5xx",
            _ => "yes",
        }
    }

    /// Every route of the API and every server function, as the server itself documents them.
    async fn documented(&self) -> Vec<Question> {
        let cookie = self.cookie(Person::Is(Role::Admin)).await.unwrap();
        let url = format!("{}/api/docs/openapi.json", self.console.base);
        let answer = self.client.get(url).header("cookie", cookie).send().await.unwrap();
        let docs: Value = answer.json().await.unwrap();
        let mut questions = Vec::new();
        for (pattern, methods) in docs["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let Ok(method) = method.to_uppercase().parse() else { continue };
                let kind = match pattern.starts_with("/api/fn/") {
                    true => Kind::Function,
                    false => Kind::Api,
                };
                let path = filled(pattern, "{", "}");
                assert!(!path.contains('{'), "{pattern}: nothing stands in for its parameters");
                questions.push(Question { method, pattern: pattern.clone(), path, kind });
            }
        }
        questions
    }
}

async fn disable(console: &Console) {
    sqlx::query("UPDATE users SET disabled = true WHERE email = $1")
        .bind(Person::Disabled.email())
        .execute(&console.db.pool)
        .await
        .unwrap();
}

fn pages() -> Vec<Question> {
    let paths: BTreeSet<String> =
        generate_route_list(App).iter().map(|route| route.path().to_owned()).collect();
    let page = |pattern: String| {
        let path = filled(&pattern, "{", "}");
        Question { method: Method::GET, path: filled(&path, ":", ""), pattern, kind: Kind::Page }
    };
    paths.into_iter().map(page).collect()
}

/// The whole matrix, as it is.
async fn matrix(world: &World) -> String {
    let mut questions = world.documented().await;
    questions.extend(pages());
    let mut text = String::from("# Who may do what: written by authz_matrix.rs, read by people.\n");
    for kind in [Kind::Api, Kind::Function, Kind::Page] {
        let heading = match kind {
            Kind::Api => "API",
            Kind::Function => "Server functions",
            Kind::Page => "Pages",
        };
        write!(text, "\n{heading:<64}").unwrap();
        for person in PEOPLE {
            write!(text, " {:>10}", person.name()).unwrap();
        }
        let lines =
            questions.iter().filter(|question| question.kind == kind).map(async |question| {
                let mut line =
                    format!("{:<64}", format!("{} {}", question.method, question.pattern));
                for person in PEOPLE {
                    write!(line, " {:>10}", world.ask(question, person).await).unwrap();
                    // Whoever disables somebody on the way does not spoil the next question.
                    disable(&world.console).await;
                }
                line
            });
        let mut lines: Vec<_> = futures::stream::iter(lines).buffer_unordered(4).collect().await;
        lines.sort();
        text = lines.into_iter().fold(text + "\n", |text, line| text + &line + "\n");
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_7_js_10_everybody_may_what_the_matrix_says_and_nothing_else() {
    let world = World::new().await;
    let is = matrix(&world).await;
    assert!(!is.contains("5xx"), "{is}");
    if std::env::var_os("SIGNALBOX_BLESS").is_some() {
        std::fs::write(MATRIX, &is).unwrap();
    }
    let said = std::fs::read_to_string(MATRIX).unwrap_or_default();
    let (is, said): (BTreeSet<_>, BTreeSet<_>) = (is.lines().collect(), said.lines().collect());
    let new: Vec<_> = is.difference(&said).copied().collect();
    let gone: Vec<_> = said.difference(&is).copied().collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "the matrix is another one; is:\n{}\nand was said to be:\n{}",
        new.join("\n"),
        gone.join("\n")
    );
}

#[test]
fn op_7_the_matrix_grants_what_the_table_of_permissions_grants() {
    let said = std::fs::read_to_string(MATRIX).unwrap();
    let granted = |row: &str| -> Vec<bool> {
        let line = said.lines().find(|line| line.split("  ").next() == Some(row));
        let line = line.unwrap_or_else(|| panic!("{row} is not in the matrix"));
        line[64..].split_whitespace().map(|cell| cell == "yes").collect()
    };
    // A row each for every permission that a route demands by itself.
    for (row, permission) in [
        ("GET /api/jobs", Permission::ReadConsole),
        ("GET /api/domains/export", Permission::ReadResults),
        ("POST /api/jobs", Permission::RunJobs),
        ("DELETE /api/admin/dead-letter-queue", Permission::WorkDeadLetters),
        ("POST /api/admin/kill-switch", Permission::OperateKillSwitch),
        ("POST /api/ops/queues/{name}/pause", Permission::OperateQueues),
        ("POST /api/admin/breakers/{provider}", Permission::OperateBreakers),
        ("POST /api/admin/config", Permission::ChangeSettings),
        ("POST /api/admin/schedules/{name}", Permission::OperateSchedules),
        ("POST /api/ops/workers/{part}/stop", Permission::OperateWorkers),
        ("POST /api/fn/note_in_runbook", Permission::KeepIncidents),
        ("POST /api/admin/test-alert", Permission::OperateAlerts),
        ("POST /api/admin/users", Permission::ManageUsers),
        ("POST /api/admin/providers/{provider}", Permission::ManageProviders),
        ("POST /api/admin/database", Permission::OperateDatabase),
    ] {
        let may: Vec<bool> =
            PEOPLE.map(|person| matches!(person, Person::Is(role) if role.may(permission))).into();
        assert_eq!(granted(row), may, "{row}");
    }
}
