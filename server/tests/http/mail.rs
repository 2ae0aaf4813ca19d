//! Alerts as e-mail (OP-13), in real conversations with a mail server.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use signalbox_engine::alerts::courier::{Channel as _, Outside, deliver};
use signalbox_engine::alerts::{messages, test_message};
use signalbox_engine::clock::TestClock;
use signalbox_engine::testing::TestDb;
use signalbox_engine::{Ctx, SharedClock};
use signalbox_model::actor::Actor;
use signalbox_model::alert::MessageState;
use signalbox_server::cli::Cli;
use signalbox_server::config::Config;
use signalbox_server::mail::Mail;
use tokio::net::TcpListener;

use crate::smtp::MailServer;

/// Mail by the server at `smtp_url`, as the command line configures it.
fn mail(smtp_url: &str, clock: SharedClock) -> Mail {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = [
        "signalbox",
        "--alert-email-to=ann@example.com, Ben <ben@example.com>",
        "--alert-email-from=Signalbox <signalbox@example.com>",
        "--smtp-url",
        smtp_url,
    ];
    let config = Config::new(Cli::try_parse_from(args).unwrap().options).unwrap();
    Mail::new(config.mail.unwrap(), clock).unwrap()
}

#[tokio::test]
async fn op_13_a_message_that_the_mail_server_refuses_is_sent_again_until_it_is_taken() {
    let server = MailServer::start().await;
    let db = TestDb::new().await;
    let clock = TestClock::new();
    let ctx = Ctx::new(db.pool.clone(), clock.clone(), Actor::system("test"));
    let url = format!("smtp://ops:hunter2@{}?tls=off", server.addr);
    let channel = Arc::new(mail(&url, ctx.clock.clone()));
    assert_eq!(channel.leads_to(), "ann@example.com, ben@example.com");
    let outside = Outside {
        environment: "prod".to_owned(),
        url: Some("https://ops.example.com".to_owned()),
        channels: vec![channel],
    };
    server.said.lock().unwrap().refusal = Some("451 4.3.0 try later");
    test_message(&ctx, &outside).await.unwrap();
    deliver(&ctx.db, &ctx.clock, &outside).await.unwrap();
    let message = messages(&ctx).await.unwrap().remove(0);
    assert_eq!((message.state, message.channel.as_deref()), (MessageState::Waiting, Some("email")));
    let error = message.error.unwrap();
    assert!(error.contains("451") && error.contains("try later"), "{error}");
    assert!(server.mails().is_empty());

    server.said.lock().unwrap().refusal = None;
    clock.advance(Duration::from_secs(5));
    deliver(&ctx.db, &ctx.clock, &outside).await.unwrap();
    let message = messages(&ctx).await.unwrap().remove(0);
    assert_eq!((message.state, message.attempts, message.error), (MessageState::Sent, 2, None));
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "one for both: {mails:?}");
    for line in [
        "From: Signalbox <signalbox@example.com>",
        "To: ann@example.com, Ben <ben@example.com>",
        "Subject: Signalbox prod: this is a test by system:test. Nothing is wrong.",
        "Auto-Submitted: auto-generated",
        "https://ops.example.com/admin/alerts",
    ] {
        assert!(mails[0].lines().any(|found| found == line), "{line} is missing: {}", mails[0]);
    }
    let date = ctx.now().format("Date: %a, %d %b %Y %H:%M:%S +0000").to_string();
    assert!(mails[0].contains(&date), "{date}: {}", mails[0]);
    let commands = server.commands();
    for command in [
        "MAIL FROM:<signalbox@example.com>",
        "RCPT TO:<ann@example.com>",
        "RCPT TO:<ben@example.com>",
    ] {
        assert!(commands.iter().any(|found| found.starts_with(command)), "{commands:?}");
    }
}

#[tokio::test]
async fn op_13_neither_a_password_nor_a_message_goes_over_a_line_without_tls_unless_told_to() {
    let server = MailServer::start().await;
    let url = format!("smtp://ops:hunter2@{}", server.addr);
    let mail = mail(&url, TestClock::new());
    let error = mail.send("1 alert fires").await.unwrap_err();
    assert!(!error.contains("hunter2") && !format!("{mail:?}").contains("hunter2"), "{error}");
    let commands = server.commands();
    let told = |word: &str| commands.iter().any(|command| command.starts_with(word));
    assert!(told("EHLO") && !told("AUTH") && !told("MAIL"), "{commands:?}");
}

#[tokio::test]
async fn op_13_a_mail_server_that_is_not_there_is_an_error_and_not_a_panic() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = gone.local_addr().unwrap();
    drop(gone);
    let mail = mail(&format!("smtps://ops:hunter2@{addr}"), TestClock::new());
    let error = mail.send("1 alert fires").await.unwrap_err();
    assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
}
