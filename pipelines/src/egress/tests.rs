#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::IpAddr;

use super::{Refused, anywhere_public, found, is_public, to};

#[test]
fn addresses_inside_are_told_in_all_their_clothes() {
    for inside in [
        "0.0.0.0",
        "0.1.2.3",
        "10.255.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.170",
        "192.168.1.1",
        "198.19.0.1",
        "203.0.113.9",
        "224.0.0.251",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:c0a8:101::",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(inside.parse::<IpAddr>().unwrap()), "{inside}");
    }
}

#[test]
fn addresses_outside_are_let_through() {
    for outside in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2002:101:101::1",
    ] {
        assert!(is_public(outside.parse::<IpAddr>().unwrap()), "{outside}");
    }
}

#[test]
fn what_was_found_leads_to_no_private_network_however_it_is_written() {
    for inside in [
        "http://localhost/",
        "http://LOCALHOST:8080/",
        "http://localhost./",
        "http://a.localhost/",
        "http://printer/",
        "http://printer.local/",
        "http://metadata.google.internal/",
        "http://router.home.arpa/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/latest/meta-data",
        "http://[64:ff9b::10.0.0.1]/",
        "https://169.254.169.254/",
        "http://①②⑦.0.0.1/",
    ] {
        assert_eq!(found(inside), Err(Refused::Private), "{inside}");
    }
    assert_eq!(found("file:///etc/passwd"), Err(Refused::Scheme));
    assert_eq!(found("gopher://example.org/"), Err(Refused::Scheme));
    assert_eq!(found("https://a:b@example.org/"), Err(Refused::User));
    assert_eq!(found("not an address"), Err(Refused::Unreadable));
    for outside in
        ["https://www.example.org/x?y", "http://1.1.1.1:8080/", "https://localhost.example.org/"]
    {
        assert!(found(outside).is_ok(), "{outside}");
    }
}

/// What the client said of the address.
async fn refusal(client: reqwest::ClientBuilder, url: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let error = client.build().unwrap().get(url).send().await.unwrap_err();
    super::describe(error)
}

#[tokio::test]
async fn the_resolver_lets_no_name_lead_inside_nor_to_another_host() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let inside = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let said = refusal(anywhere_public(), &inside).await;
    assert!(said.contains("leads to a private network"), "{said}");
    let said = refusal(to("mcp.example.org"), &inside).await;
    assert!(said.contains("not the host that is configured"), "{said}");
    assert!(listener.accept().is_err(), "somebody has connected");
}

#[tokio::test]
async fn the_configured_host_may_lie_inside_and_its_redirects_are_not_followed() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let router = axum::Router::new().route(
        "/",
        axum::routing::get(|| async {
            axum::response::Redirect::temporary("http://169.254.169.254/")
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let client = to("localhost").build().unwrap();
    assert_eq!(client.get(url).send().await.unwrap().status(), 307);
}
