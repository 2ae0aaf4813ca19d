//! Links found, links left alone, and texts meant to break the search.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// What is seen in a text and the final URL it stands for.
fn found(text: &str) -> Vec<(String, String)> {
    find_links(text).into_iter().map(|link| (link.raw_url, link.final_url)).collect()
}

fn only(text: &str) -> FoundLink {
    let mut links = find_links(text);
    assert_eq!(links.len(), 1, "{text:?}: {links:?}");
    links.remove(0)
}

#[test]
fn links_are_found_as_seen_and_normalised() {
    for (text, raw, url) in [
        // With a scheme.
        ("https://example.com", "https://example.com", "https://example.com/"),
        (
            "see http://example.com/a?b=1#c now",
            "http://example.com/a?b=1#c",
            "http://example.com/a?b=1",
        ),
        ("HTTPS://EXAMPLE.COM/Path", "HTTPS://EXAMPLE.COM/Path", "https://example.com/Path"),
        ("https://example.com:443/x", "https://example.com:443/x", "https://example.com/x"),
        ("http://example.com:8080/x", "http://example.com:8080/x", "http://example.com:8080/x"),
        ("https://example.com./x/", "https://example.com./x/", "https://example.com/x"),
        ("https://user:pw@example.com/x", "https://user:pw@example.com/x", "https://example.com/x"),
        ("seehttps://example.com/x", "https://example.com/x", "https://example.com/x"),
        (
            "https://medium.com/@me/post",
            "https://medium.com/@me/post",
            "https://medium.com/@me/post",
        ),
        ("https://docs.rs/url", "https://docs.rs/url", "https://docs.rs/url"),
        // Punctuation around.
        ("Go to https://example.com/a.", "https://example.com/a", "https://example.com/a"),
        ("(https://example.com/a)", "https://example.com/a", "https://example.com/a"),
        (
            "(see https://example.com/a_(b)).",
            "https://example.com/a_(b)",
            "https://example.com/a_(b)",
        ),
        ("https://example.com/a_(b)!?", "https://example.com/a_(b)", "https://example.com/a_(b)"),
        ("\"https://example.com/a\",", "https://example.com/a", "https://example.com/a"),
        ("'https://example.com/a';", "https://example.com/a", "https://example.com/a"),
        (
            "https://example.com/Moore's_law",
            "https://example.com/Moore's_law",
            "https://example.com/Moore's_law",
        ),
        ("“https://example.com/a”", "https://example.com/a", "https://example.com/a"),
        ("<https://example.com/a>", "https://example.com/a", "https://example.com/a"),
        ("[the site](https://example.com/a)!", "https://example.com/a", "https://example.com/a"),
        ("**https://example.com/a**", "https://example.com/a", "https://example.com/a"),
        ("`https://example.com/a`", "https://example.com/a", "https://example.com/a"),
        ("<a href='https://example.com/a'>x</a>", "https://example.com/a", "https://example.com/a"),
        (
            "请看https://example.com/路。好",
            "https://example.com/路",
            "https://example.com/%E8%B7%AF",
        ),
        // Bare.
        ("visit example.com today", "example.com", "https://example.com/"),
        ("Example: EXAMPLE.COM!", "EXAMPLE.COM", "https://example.com/"),
        (
            "shop.example.co.uk/sale?x=1, go",
            "shop.example.co.uk/sale?x=1",
            "https://shop.example.co.uk/sale?x=1",
        ),
        ("www.Example.Com", "www.Example.Com", "https://www.example.com/"),
        ("(example.com)", "example.com", "https://example.com/"),
        ("example.com's page", "example.com", "https://example.com/"),
        ("link:example.com", "example.com", "https://example.com/"),
        ("example.com:8080/x", "example.com:8080/x", "https://example.com:8080/x"),
        ("hmm...example.com...", "example.com", "https://example.com/"),
        ("_example.com_", "example.com", "https://example.com/"),
        ("see example.com.Then go", "example.com", "https://example.com/"),
        ("访问example.com吧", "example.com", "https://example.com/"),
        ("www.docs.rs", "www.docs.rs", "https://www.docs.rs/"),
        ("docs.rs/url", "docs.rs/url", "https://docs.rs/url"),
        // Internationalised.
        ("bücher.example.de/ä", "bücher.example.de/ä", "https://xn--bcher-kva.example.de/%C3%A4"),
        ("https://xn--bcher-kva.de", "https://xn--bcher-kva.de", "https://xn--bcher-kva.de/"),
        ("https://пример.рф/", "https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
        // Disguised.
        ("hxxps://example.com/a", "hxxps://example.com/a", "https://example.com/a"),
        ("hxxp://example[.]com/a.", "hxxp://example[.]com/a", "http://example.com/a"),
        ("try example dot com now", "example dot com", "https://example.com/"),
        (
            "shop dot Example DOT co dot uk",
            "shop dot Example DOT co dot uk",
            "https://shop.example.co.uk/",
        ),
        ("example(dot)com", "example(dot)com", "https://example.com/"),
        ("(example [.] com/a)", "example [.] com/a", "https://example.com/a"),
        ("www.example (dot) com", "www.example (dot) com", "https://www.example.com/"),
        // Tracking.
        (
            "https://example.com/?utm_source=a&UTM_Medium=b",
            "https://example.com/?utm_source=a&UTM_Medium=b",
            "https://example.com/",
        ),
        (
            "https://example.com/?a=1&fbclid=x&b=%20",
            "https://example.com/?a=1&fbclid=x&b=%20",
            "https://example.com/?a=1&b=%20",
        ),
    ] {
        assert_eq!(found(text), [(raw.to_owned(), url.to_owned())], "{text:?}");
    }
}

#[test]
fn what_only_resembles_a_link_is_left_alone() {
    for text in [
        "",
        "no links here. None at all",
        "me@example.com",
        "mailto:me@example.com?subject=x",
        "write to first.last+tag@sub.example.com.",
        "@example.com",
        "#example.com",
        "https://me@localhost/x",
        "http://localhost:3000/x",
        "http://127.0.0.1/x and 10.0.0.1 and http://[::1]/x",
        "https://",
        "https://.",
        "https:///etc",
        "ftp://example.com/x",
        "ssh://git@example.com/x.git",
        "std::io::Error",
        "tokio::fs.read and client.get(url)",
        "e.g. this, i.e. that, etc.",
        "foo.Bar() and foo.app(x)",
        "the end.The next and.Then",
        "Hello.World",
        "version 1.2.3 or v0.1.0-rc.1",
        "it costs 3.50",
        "Dr.No",
        "ASP.NET",
        "node.js",
        "src/main.rs:12:3 and /srv/www/example.com/x",
        "https://co.uk/",
        "example.nosuchsuffix",
        "foo_bar.com",
        "-.com ..com",
        "the dot com bubble",
        "dot dot dot",
        "connect dot the dots",
        "me [at] example [dot] com",
        "me (at) example dot com",
        "a[.]b",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn names_that_end_like_a_file_need_a_scheme_a_path_or_www() {
    for ending in FILE_LIKE {
        assert_eq!(found(&format!("open main.{ending}, then main.{ending}:3")), [], "{ending}");
        assert_eq!(only(&format!("main.{ending}/x")).final_host, format!("main.{ending}"));
        assert_eq!(only(&format!("http://main.{ending}")).final_host, format!("main.{ending}"));
        assert_eq!(only(&format!("www.main.{ending}")).final_host, format!("www.main.{ending}"));
    }
    assert_eq!(found("README.md Cargo.toml lib.RS run.sh config.py archive.zip clip.mov"), []);
}

#[test]
fn redirectors_are_unwrapped() {
    let target = "https://example.com/a?b=1";
    let encoded = "https%3A%2F%2Fexample.com%2Fa%3Fb%3D1%26fbclid%3Dz";
    for redirector in [
        "https://l.facebook.com/l.php?h=1&u=",
        "https://lm.facebook.com/l.php?u=",
        "l.facebook.com/l.php?u=",
        "https://www.google.com/url?sa=t&q=",
        "https://google.co.uk/url?url=",
        "https://www.youtube.com/redirect?event=x&q=",
        "https://t.umblr.com/redirect?z=",
        "https://l.instagram.com/?u=",
        "https://www.youtube.com/redirect?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fexample.com%252Fa%253Fb%253D1%26x%3D",
    ] {
        let link = only(&format!("{redirector}{encoded}"));
        assert_eq!(link.final_url, target, "{redirector}");
        assert_ne!(link.raw_host, link.final_host);
        assert_eq!(link.registrable_domain, "example.com");
    }
    // Not a link inside: the redirector itself is the link.
    assert_eq!(only("https://www.google.com/url?q=cats").final_host, "www.google.com");
    assert_eq!(
        only("https://www.youtube.com/redirect?q=http://10.0.0.1/").final_host,
        "www.youtube.com"
    );
}

#[test]
fn hosts_are_given_as_seen_as_resolved_and_as_registered() {
    let link = only("see HTTP://User@Blog.Bücher.CO.UK:80/x");
    assert_eq!(link.raw_url, "HTTP://User@Blog.Bücher.CO.UK:80/x");
    assert_eq!(link.raw_host, "blog.bücher.co.uk");
    assert_eq!(link.final_url, "http://blog.xn--bcher-kva.co.uk/x");
    assert_eq!(link.final_host, "blog.xn--bcher-kva.co.uk");
    assert_eq!(link.registrable_domain, "xn--bcher-kva.co.uk");
    assert_eq!(link.domain_unicode, "bücher.co.uk");
    assert!(!link.spelled_out);
    assert_eq!(link.start, 4);

    assert_eq!(only("https://me.github.io/x").registrable_domain, "me.github.io");
    assert_eq!(only("https://github.io/x").registrable_domain, "github.io");
}

#[test]
fn spelled_out_links_are_marked() {
    for text in
        ["example dot com", "example[.]com", "hxxps://example.com", "hxxps://example[dot]com/x"]
    {
        assert!(only(text).spelled_out, "{text:?}");
    }
    assert!(!only("https://example.com").spelled_out);
    assert_eq!(only("Example dot com").raw_host, "example dot com");
}

#[test]
fn spellings_of_one_address_stay_apart_as_seen_and_meet_when_normalised() {
    let links = find_links(
        "https://example.com/a https://EXAMPLE.com/a/ https://example.com/a#x example.com/a https://example.com/a",
    );
    assert_eq!(links.len(), 4, "the same spelling is returned once");
    assert!(links.iter().all(|link| link.final_url == "https://example.com/a"));
    assert_eq!(links.iter().map(|link| link.start).collect::<Vec<_>>(), [0, 22, 45, 69]);
}

#[test]
fn several_links_are_found_in_their_order() {
    let text = "a.com,b.org https://c.net,https://d.io;http://e.dev [https://f.co](https://g.de) x dot com web.dev/https://h.fr";
    let hosts: Vec<String> = find_links(text).into_iter().map(|link| link.final_host).collect();
    assert_eq!(hosts, ["a.com", "b.org", "c.net", "d.io", "e.dev", "f.co", "g.de", "web.dev"]);
    assert_eq!(found("foo dot example dot com https://b.org").len(), 2);
}

#[test]
fn overlong_links_and_texts_are_cut_off() {
    assert_eq!(found(&format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES))), []);
    let padding = "é".repeat(MAX_TEXT_BYTES / 2);
    assert_eq!(found(&format!("example.com {padding} example.org")).len(), 1);
}

#[test]
fn hostile_texts_take_linear_time() {
    for pattern in [
        "a.",
        "a.b?",
        "a.com/",
        "a.com/)",
        "http://",
        "ftp://",
        "https://a.com",
        "https://)",
        "a@",
        "A.B",
        "a.-b?",
        "a[.]com/",
        "a[.]com/)",
        "a dot ",
        "a[.]",
        "[.]",
        "....",
        "((((",
        "'http://a.com",
        "a.com:1",
        "x+",
        "é.",
        "吧a",
        "a.com,http",
        "aaaa",
        "https://a.com/?u=https://",
    ] {
        let text = pattern.repeat(MAX_TEXT_BYTES / 4 / pattern.len());
        let began = Instant::now();
        find_links(&text);
        // A quadratic search of a text this long takes far longer.
        assert!(began.elapsed() < Duration::from_secs(8), "{pattern:?} took {:?}", began.elapsed());
    }
}

fn assert_sound(text: &str) -> Result<(), TestCaseError> {
    let mut last_start = 0;
    for link in find_links(text) {
        prop_assert!(text.is_char_boundary(link.start));
        prop_assert!(text[link.start..].starts_with(&link.raw_url));
        prop_assert!(link.start >= last_start);
        prop_assert!(link.final_host.ends_with(&link.registrable_domain));
        prop_assert!(link.final_url.contains(&link.final_host));
        prop_assert!(link.final_host.is_ascii());
        // What was normalised stays as it is.
        let again = normalise::normalise(&link.final_url).map(|address| address.url);
        prop_assert_eq!(again.as_deref(), Some(link.final_url.as_str()));
        last_start = link.start;
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_searched_soundly(text in any::<String>()) {
        assert_sound(&text)?;
    }

    #[test]
    fn any_text_made_of_pieces_of_links_is_searched_soundly(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "https://", "HXXP://", "www.", "example", ".", ".com", ".рф", " dot ", "[.]", "(", ")", "[", "]", "/", "?", "#",
                "@", ":", "80", "'", "\"", ",", "http", "é", "吧", "İ", "\u{200d}", "%", "%2F", "xn--", "-", "_", "..", " ",
                "l.facebook.com/l.php?u=", "utm_source=x", "&", "\n", "\\", "+", "A", "co.uk", "github.io",
            ]),
            0..24,
        )
    ) {
        assert_sound(&pieces.concat())?;
    }
}
