//! What the tools answer when nothing is wrong.

use std::collections::BTreeSet;

use super::*;
use signalbox_sandbox::{CallResult, Provider, SEARCH_PAGE_SIZE};

/// Every post's address, found as a client finds them: page after page until there is no next cursor.
async fn all_links(client: &McpClient, query: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let page = ask(client, "search_engine", json!({"query": query, "cursor": cursor})).await;
        let organic = page["organic"].as_array().unwrap();
        assert!(organic.len() <= SEARCH_PAGE_SIZE);
        assert!(organic.iter().all(|result| !result["title"].as_str().unwrap().is_empty()));
        links.extend(organic.iter().map(|result| result["link"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return links,
        }
    }
}

#[tokio::test]
async fn the_tools_have_the_names_and_arguments_of_the_original() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let tools = client.list_all_tools().await.unwrap();
    let names: BTreeSet<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    let wanted = [
        "scrape_as_markdown",
        "search_engine",
        "web_data_tiktok_comments",
        "web_data_tiktok_posts",
    ];
    assert_eq!(names, BTreeSet::from(wanted));
    let required = |name: &str| {
        tools.iter().find(|tool| tool.name == name).unwrap().input_schema["required"].clone()
    };
    assert_eq!(required("search_engine"), json!(["query"]));
    assert_eq!(required("web_data_tiktok_comments"), json!(["url"]));
}

#[tokio::test]
async fn search_pages_lead_to_every_post_once() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let links = all_links(&client, "lamps").await;
    let wanted: BTreeSet<_> =
        sandbox.corpus().posts().iter().map(|post| post.url.clone()).collect();
    assert_eq!(links.len(), 45);
    assert_eq!(links.into_iter().collect::<BTreeSet<_>>(), wanted);
}

#[tokio::test]
async fn a_post_is_read_with_its_figures() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let wanted = &sandbox.corpus().posts()[4];
    let posts = ask(&client, "web_data_tiktok_posts", json!({"url": wanted.url})).await;
    let post = &posts.as_array().unwrap()[0];
    assert_eq!(post["post_id"], wanted.id.as_str());
    assert_eq!(post["url"], wanted.url.as_str());
    assert_eq!(post["profile_username"], wanted.username.as_str());
    assert_eq!(post["description"], wanted.description.as_str());
    assert_eq!(post["comment_count"], wanted.comments.len());
    let created: chrono::DateTime<chrono::Utc> =
        post["create_time"].as_str().unwrap().parse().unwrap();
    let age = chrono::Utc::now() - created;
    assert!((0..=31).contains(&age.num_days()), "{created}");
    assert!(["digg_count", "share_count", "play_count"].iter().all(|count| post[count].is_u64()));
}

#[tokio::test]
async fn comments_come_in_pages_of_twenty() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let post = sandbox
        .corpus()
        .posts()
        .iter()
        .find(|post| (21..=40).contains(&post.comments.len()))
        .unwrap();
    let page = async |args: Value| {
        ask(&client, "web_data_tiktok_comments", args).await.as_array().unwrap().clone()
    };
    let first = page(json!({"url": post.url})).await;
    let second = page(json!({"url": post.url, "page": 2})).await;
    assert_eq!(first.len(), 20);
    assert_eq!(first, page(json!({"url": post.url, "page": 1})).await);
    assert_eq!(page(json!({"url": post.url, "page": 3})).await, Vec::<Value>::new());
    let texts: Vec<_> =
        first.iter().chain(&second).map(|c| c["comment_text"].as_str().unwrap()).collect();
    let wanted: Vec<_> = post.comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(texts, wanted);
    assert!(
        first
            .iter()
            .all(|comment| comment["post_id"] == post.id.as_str()
                && comment["comment_id"].is_string())
    );
}

#[tokio::test]
async fn a_page_is_markdown_with_the_caption_and_its_links() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let post = sandbox.corpus().posts().iter().find(|post| !post.page_lines.is_empty()).unwrap();
    let result = call(&client, "scrape_as_markdown", json!({"url": post.url})).await.unwrap();
    let page = text(&result);
    assert!(page.starts_with(&format!("# @{}", post.username)), "{page}");
    assert!(
        page.contains(&post.description) && page.contains(&format!("- {}", post.page_lines[0])),
        "{page}"
    );
}

#[tokio::test]
async fn what_a_tool_cannot_do_is_a_tool_error_that_says_why() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let nowhere = "https://www.tiktok.com/@nobody/video/1";
    for (tool, args, says) in [
        ("web_data_tiktok_posts", json!({"url": nowhere}), nowhere),
        ("web_data_tiktok_comments", json!({"url": nowhere}), nowhere),
        ("scrape_as_markdown", json!({"url": nowhere}), nowhere),
        ("search_engine", json!({"query": "x", "cursor": "abc"}), "abc"),
        (
            "web_data_tiktok_comments",
            json!({"url": sandbox.corpus().posts()[0].url, "page": 0}),
            "counted from 1",
        ),
    ] {
        let result = call(&client, tool, args).await.unwrap();
        assert_eq!(result.is_error, Some(true), "{tool}");
        assert!(text(&result).contains(says), "{tool}: {}", text(&result));
    }
    assert_eq!(
        sandbox.calls(Provider::Mcp).of("web_data_tiktok_comments", CallResult::ToolError),
        2
    );
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol() {
    let sandbox = sandbox().await;
    let client = connect(&sandbox).await;
    let error = call(&client, "no_such_tool", json!({})).await.unwrap_err();
    assert!(matches!(error, ServiceError::McpError(_)), "{error:?}");
    assert_eq!(sandbox.calls(Provider::Mcp).of("no_such_tool", CallResult::Error), 1);
}

#[tokio::test]
async fn the_same_seed_answers_the_same_and_another_seed_otherwise() {
    let (one, same, other) = (seeded(5).await, seeded(5).await, seeded(6).await);
    let links = async |sandbox: &Sandbox| all_links(&connect(sandbox).await, "notes").await;
    assert_eq!(links(&one).await, links(&same).await);
    assert_ne!(links(&one).await, links(&other).await);
    let url = &one.corpus().posts()[2].url;
    let comments = async |sandbox: &Sandbox| {
        let comments =
            ask(&connect(sandbox).await, "web_data_tiktok_comments", json!({"url": url})).await;
        comments.as_array().unwrap().iter().map(|c| c["comment_text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(comments(&one).await, comments(&same).await);
}

#[tokio::test]
async fn a_key_is_needed_and_any_will_do() {
    let sandbox = sandbox().await;
    let bare = |url: String| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        http().post(url).header("accept", "application/json, text/event-stream").json(&body)
    };
    let status =
        async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    assert_eq!(status(bare(sandbox.mcp_url())).await, 401);
    assert_eq!(status(bare(sandbox.mcp_url()).header("authorization", "Bearer ")).await, 401);
    assert_eq!(status(bare(format!("{}?token=", sandbox.mcp_url()))).await, 401);
    assert_eq!(status(bare(format!("{}?token=k", sandbox.mcp_url()))).await, 200);
    assert_eq!(status(bare(sandbox.mcp_url()).bearer_auth("k")).await, 200);
    assert_eq!(sandbox.calls(Provider::Mcp).of("ping", CallResult::BadKey), 3);
    assert_eq!(sandbox.calls(Provider::Mcp).of("ping", CallResult::Ok), 2);
}

#[tokio::test]
async fn clients_come_and_go_and_thousands_of_calls_are_answered() {
    let sandbox = sandbox().await;
    for _ in 0..20 {
        let client = connect(&sandbox).await;
        for _ in 0..50 {
            ask(&client, "search_engine", json!({"query": "lamps"})).await;
        }
        client.cancel().await.unwrap();
    }
    assert_eq!(sandbox.calls(Provider::Mcp).of("search_engine", CallResult::Ok), 1000);
}
