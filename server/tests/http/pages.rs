//! Pages and files.

use signalbox_engine::schedules;

use crate::support::{Console, Person};

async fn html(person: &Person, path: &str) -> String {
    let response = person.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(media_type.starts_with("text/html"), "{path}: {media_type}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn every_page_is_rendered_by_the_server() {
    let console = Console::start().await;
    assert!(html(&console.visitor(), "/login").await.contains("type=\"password\""));
    let admin = console.admin().await;
    let system = &console.system;
    schedules::declare(&system.db, &signalbox_pipelines::schedules(), system.now()).await.unwrap();
    for path in [
        "/admin",
        "/admin/jobs",
        "/admin/jobs/backfill",
        "/admin/jobs/backfill?days=91&limit=ten",
        "/admin/dead-letter-queue",
        "/admin/kill-switch",
        "/admin/exports",
        "/admin/schedules",
        "/admin/schedules/cleanup",
        "/admin/schedules/cleanup?cron=30+2+*+*+*&zone=Europe%2FBerlin",
        "/admin/schedules/cleanup?cron=nonsense",
        "/admin/matviews",
        "/admin/database",
        "/admin/database?close=1-1",
        "/admin/database/tables?table=domains",
        "/admin/database/backups",
        "/admin/config",
        "/admin/config/discovery_rpm",
        "/admin/config/mcp_cb_cooldown_ms",
        "/domains",
    ] {
        let page = html(&admin, path).await;
        assert_eq!(page.matches("<h1").count(), 1, "{path}");
        assert!(page.contains("local"), "{path} names the installation");
    }
}

#[tokio::test]
async fn op_3_a_limit_is_previewed_and_changed_for_a_while_by_plain_forms() {
    let console = Console::start().await;
    let admin = console.admin().await;
    assert!(html(&admin, "/admin/config").await.contains(">Preview"));
    let page = html(&admin, "/admin/config/discovery_rpm?value=60").await;
    assert!(page.contains("at most 60 jobs/min"), "{page}");
    assert!(page.contains("at most 30 jobs/min") && page.contains("nothing waits"));
    let refused = html(&admin, "/admin/config/discovery_rpm?value=0").await;
    assert!(refused.contains("from 1 to 100000") && !refused.contains("After the change"));

    let form = async |action: &str, fields: &[(&str, &str)]| {
        let request = admin.request(reqwest::Method::POST, &format!("/api/fn/{action}"));
        let sent = request.header("accept", "text/html").form(fields).send().await.unwrap();
        assert_eq!(sent.status(), 302, "{action}");
    };
    let (key, minutes) = (("key", "discovery_rpm"), ("expiresInMinutes", "15"));
    form("change_setting", &[key, ("value", "60"), minutes, ("description", "rush")]).await;
    let page = html(&admin, "/admin/config/discovery_rpm").await;
    assert!(page.contains("Revert to 30 now") && page.contains("Keep 60"), "{page}");
    form("revert_setting", &[key]).await;
    let page = html(&admin, "/admin/config/discovery_rpm").await;
    assert!(page.contains("It is 30 calls/min.") && !page.contains("Revert to"));
    form("change_setting", &[key, ("value", "60"), ("expiresInMinutes", "soon")]).await;
    let page = html(&admin, "/admin/config/discovery_rpm?value=60").await;
    assert!(page.contains("must be a whole number") && page.contains("soon"), "{page}");
}

#[tokio::test]
async fn av_9_a_throttled_rate_says_how_far_since_when_and_why() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let on = serde_json::json!({ "key": "auto_throttle_enabled", "value": 1 });
    assert_eq!(admin.post("/api/admin/config", on).await.status(), 200);
    let throttle = "INSERT INTO provider_throttles VALUES ('mcp', 60, now(), now(), now(), 85)";
    sqlx::query(throttle).execute(&console.db.pool).await.unwrap();
    for path in ["/admin/config", "/admin/config/discovery_rpm"] {
        let page = html(&admin, path).await;
        assert!(page.contains("throttled to 18 of 30"), "{path}");
        assert!(page.contains("because 85 % of the own limit of mcp are used"), "{path}");
    }
    let config = admin.get("/api/admin/config").await.text().await.unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["throttled"].as_array().unwrap().len(), 3, "the operations of mcp");
}

#[tokio::test]
async fn built_files_are_kept_for_ever_by_their_version_and_compressed() {
    let site = std::env::temp_dir().join(format!("signalbox-site-{}", std::process::id()));
    let pkg = site.join("pkg");
    std::fs::create_dir_all(&pkg).unwrap();
    std::fs::write(pkg.join("manifest.json"), r#"{"version":"abc","chunks":["start"]}"#).unwrap();
    std::fs::write(pkg.join("signalbox.css"), "body{}").unwrap();
    std::fs::write(pkg.join("signalbox.css.br"), "compressed").unwrap();
    std::fs::write(site.join("mark.svg"), "<svg/>").unwrap();
    let console = Console::start_with(|parts| parts.site_root = site.clone()).await;
    let visitor = console.visitor();

    let login = html(&visitor, "/login").await;
    assert!(login.contains("/pkg/abc/signalbox.css"));
    assert!(login.contains("/pkg/abc/pack_start.wasm"), "the page's own code is announced");
    let file = visitor.get("/pkg/abc/signalbox.css").await;
    assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(file.headers()["content-type"], "text/css");
    assert_eq!(file.text().await.unwrap(), "body{}");
    assert_eq!(visitor.get("/pkg/older/signalbox.css").await.status(), 404);
    let request = visitor.request(reqwest::Method::GET, "/pkg/abc/signalbox.css");
    let packed = request.header("accept-encoding", "br").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "br");
    let mark = visitor.get("/mark.svg").await;
    assert_eq!(mark.headers()["content-type"], "image/svg+xml");
    assert_eq!(mark.headers()["cache-control"], "public, max-age=3600");
    assert_eq!(visitor.get("/pkg/abc/nothing.js").await.status(), 404);
    assert_eq!(visitor.get("/pkg/abc/../../../Cargo.toml").await.status(), 404);
    std::fs::remove_dir_all(site).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_asked_for_at_the_same_time_bear_their_own_titles() {
    let console = Console::start().await;
    let admin = console.admin().await;
    let pages = [
        ("/login", "Sign in"),
        ("/admin/kill-switch", "Kill switch"),
        ("/admin/jobs", "Jobs"),
        ("/admin/config", "Config"),
        ("/admin/audit", "Audit"),
    ];
    let ask = async |(path, title): (&str, &str)| {
        let page = html(&admin, path).await;
        let (_, rest) = page.split_once("<title>").unwrap();
        assert!(rest.starts_with(title), "{path}: {}", &rest[..60]);
    };
    for _ in 0..20 {
        futures::future::join_all(pages.iter().cycle().take(25).copied().map(ask)).await;
    }
}
