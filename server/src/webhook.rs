//! Alerts as a webhook: posted as JSON that Slack and what speaks like it understand, and signed.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use serde_json::json;
use sha2::Sha256;
use signalbox_engine::SharedClock;
use signalbox_engine::alerts::courier::Channel;
use signalbox_model::Timestamp;
use signalbox_pipelines::egress;

use crate::config::Secret;

/// The header with the signature: `t=<seconds since 1970>,v1=<hex>`, where the hex is the
/// HMAC-SHA256 of `<t>.<body>`. The scheme of <https://docs.stripe.com/webhooks#verify-manually>.
const SIGNATURE: &str = "x-signalbox-signature";

/// How long a connection and its answer may take together.
const TIMEOUT: Duration = Duration::from_secs(8);

/// A webhook.
#[derive(Debug)]
pub struct Webhook {
    url: Secret,
    host: String,
    secret: Option<Secret>,
    clock: SharedClock,
    client: Client,
}

impl Webhook {
    /// The webhook at `url`, whose posts are signed with `secret`.
    ///
    /// # Errors
    /// When the system's TLS cannot be used.
    pub fn new(
        url: Secret,
        secret: Option<Secret>,
        clock: SharedClock,
    ) -> Result<Webhook, reqwest::Error> {
        let host = Url::parse(url.expose()).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default();
        let client = egress::to(&host).timeout(TIMEOUT).build()?;
        Ok(Webhook { url, host, secret, clock, client })
    }

    async fn post(&self, text: &str) -> Result<(), String> {
        let body = json!({ "text": text }).to_string();
        let mut request =
            self.client.post(self.url.expose()).header(CONTENT_TYPE, "application/json");
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, signature(secret, &body, self.clock.now()));
        }
        // The address is a secret, as Slack's are: an error must not carry it.
        let answer =
            request.body(body).send().await.map_err(|error| error.without_url().to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("{} answered {}", self.host, status.as_u16())),
        }
    }
}

impl Channel for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn leads_to(&self) -> String {
        self.host.clone()
    }

    fn send<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.post(text).boxed()
    }
}

fn signature(secret: &Secret, body: &str, now: Timestamp) -> String {
    let at = now.timestamp();
    let mut hex = String::new();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) {
        mac.update(format!("{at}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            hex += &format!("{byte:02x}");
        }
    }
    format!("t={at},v1={hex}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use axum::Router;
    use chrono::DateTime;
    use http::{HeaderMap, StatusCode};
    use signalbox_engine::clock::SystemClock;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    /// A server that answers every post with `status`; its address, and what it gets.
    async fn receiver(status: u16) -> (String, mpsc::UnboundedReceiver<(HeaderMap, String)>) {
        let (send, posts) = mpsc::unbounded_channel();
        let post = move |headers: HeaderMap, body: String| async move {
            send.send((headers, body)).unwrap();
            StatusCode::from_u16(status).unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/T0/hunter2", listener.local_addr().unwrap());
        let router = Router::new().route("/T0/hunter2", axum::routing::post(post));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (url, posts)
    }

    fn webhook(url: String) -> Webhook {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (url, secret) = (Secret::from(url), Some(Secret::from("key".to_owned())));
        Webhook::new(url, secret, SystemClock::shared()).unwrap()
    }

    #[tokio::test]
    async fn op_13_a_message_is_posted_as_slack_takes_it_and_signed() {
        let (url, mut posts) = receiver(200).await;
        webhook(url).send("2 alerts fire").await.unwrap();
        let (headers, body) = posts.recv().await.unwrap();
        assert_eq!(body, r#"{"text":"2 alerts fire"}"#);
        assert_eq!(headers["content-type"], "application/json");
        let signed = headers[SIGNATURE].to_str().unwrap();
        let at: i64 = signed[2..].split(',').next().unwrap().parse().unwrap();
        let at = DateTime::from_timestamp(at, 0).unwrap();
        assert_eq!(signed, signature(&Secret::from("key".to_owned()), &body, at));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said_without_the_address_which_is_a_secret() {
        let (url, _posts) = receiver(500).await;
        let refused = webhook(url).send("x").await.unwrap_err();
        assert_eq!(refused, "127.0.0.1 answered 500");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/T0/hunter2", listener.local_addr().unwrap());
        drop(listener);
        let webhook = webhook(url);
        let nobody = webhook.send("x").await.unwrap_err();
        assert!(
            !nobody.contains("hunter2") && !format!("{webhook:?}").contains("hunter2"),
            "{nobody}"
        );
    }

    /// Known from `printf '1.{}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn op_13_a_post_is_signed_with_its_time() {
        let secret = Secret::from("key".to_owned());
        let signed = signature(&secret, "{}", DateTime::from_timestamp(1, 0).unwrap());
        assert_eq!(
            signed,
            "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
        );
    }
}
