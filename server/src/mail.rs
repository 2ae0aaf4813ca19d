//! Alerts as e-mail: plain text, by the server that `SMTP_URL` names.

use std::fmt;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use signalbox_engine::SharedClock;
use signalbox_engine::alerts::courier::Channel;
use signalbox_model::format;

use crate::config::{MailOptions, SmtpServer, SmtpTls};

/// How long the server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(8);
/// A subject is cut after as many characters: lists show no more.
const SUBJECT_CHARS: usize = 150;

/// Mail to everybody who wants to be told.
pub struct Mail {
    to: Vec<Mailbox>,
    from: Mailbox,
    clock: SharedClock,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.leads_to()).finish_non_exhaustive()
    }
}

impl Mail {
    /// Mail as configured. Nothing is said to the server yet.
    ///
    /// # Errors
    /// When the system's TLS cannot be used, or the server's name is none.
    pub fn new(
        options: MailOptions,
        clock: SharedClock,
    ) -> Result<Mail, lettre::transport::smtp::Error> {
        let MailOptions { to, from, server } = options;
        Ok(Mail { to, from, clock, transport: transport(server)? })
    }

    async fn mail(&self, text: &str) -> Result<(), String> {
        let message = self.message(text).map_err(|error| error.to_string())?;
        self.transport.send(message).await.map(drop).map_err(|error| error.to_string())
    }

    fn message(&self, text: &str) -> Result<Message, lettre::error::Error> {
        let addressed = self.to.iter().cloned().fold(Message::builder(), MessageBuilder::to);
        addressed
            .from(self.from.clone())
            .subject(subject(text))
            .date(self.clock.now().into())
            .message_id(None)
            // RFC 3834: nobody's holiday notice answers it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
    }
}

fn transport(
    server: SmtpServer,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let SmtpServer { host, port, tls, credentials } = server;
    let (tls, usual_port) = match tls {
        SmtpTls::Always => (Tls::Wrapper(TlsParameters::new(host.clone())?), SUBMISSIONS_PORT),
        SmtpTls::StartTls => (Tls::Required(TlsParameters::new(host.clone())?), SUBMISSION_PORT),
        SmtpTls::Off => (Tls::None, SMTP_PORT),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port.unwrap_or(usual_port))
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if let Some((user, password)) = credentials {
        let (user, password) = (user.expose().to_owned(), password.expose().to_owned());
        builder = builder.credentials(Credentials::new(user, password));
    }
    Ok(builder.build())
}

/// The first line, and the first alert that it counts.
fn subject(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let subject = match lines.next().filter(|line| line.starts_with('[')) {
        Some(alert) => format!("{first}: {alert}"),
        None => first.to_owned(),
    };
    format::shorten(&subject, SUBJECT_CHARS)
}

impl Channel for Mail {
    fn name(&self) -> &'static str {
        "email"
    }

    fn leads_to(&self) -> String {
        let addresses: Vec<_> = self.to.iter().map(|to| to.email.to_string()).collect();
        addresses.join(", ")
    }

    fn send<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.mail(text).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_13_a_subject_says_how_many_and_which_is_the_worst() {
        let text =
            "Signalbox prod: 2 alerts fire\n[critical] A breaker is not closed: mcp, open\n/a";
        assert_eq!(
            subject(text),
            "Signalbox prod: 2 alerts fire: [critical] A breaker is not closed: mcp, open"
        );
        assert_eq!(
            subject("Signalbox prod: this is a test.\nhttps://ops"),
            "Signalbox prod: this is a test."
        );
        let long = format!("Signalbox prod: 1 alert fires\n[warning] {}", "é".repeat(300));
        assert_eq!(subject(&long).chars().count(), SUBJECT_CHARS);
    }
}
