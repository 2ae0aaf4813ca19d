//! Whom alerts are mailed to, and by which server: three variables that are of use together only.

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{ConfigError, Secret};

/// Alerts by e-mail.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// Who gets them; at least one.
    pub to: Vec<Mailbox>,
    /// Whom they are from.
    pub from: Mailbox,
    /// Who takes them.
    pub server: SmtpServer,
}

/// A server that takes mail (RFC 5321).
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port; what is usual for `tls` when absent.
    pub port: Option<u16>,
    /// How the conversation is kept from others.
    pub tls: SmtpTls,
    /// Name and password.
    pub credentials: Option<(Secret, Secret)>,
}

/// How a conversation with a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (RFC 8314).
    Always,
    /// STARTTLS (RFC 3207) before anything is said; without it nothing is sent.
    StartTls,
    /// In the clear, because somebody said so: for a relay on the same machine or network.
    Off,
}

const SMTP_URL: &str = "SMTP_URL";
const TO: &str = "ALERT_EMAIL_TO";
const FROM: &str = "ALERT_EMAIL_FROM";

impl MailOptions {
    /// What the three variables say; nothing where all are unset.
    ///
    /// # Errors
    /// For one that cannot be used, or that is missing while another is set.
    pub(super) fn new(
        to: Option<String>,
        from: Option<String>,
        smtp_url: Option<&Secret>,
    ) -> Result<Option<MailOptions>, ConfigError> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        match (said(to), said(from), smtp_url) {
            (None, None, None) => Ok(None),
            (Some(to), Some(from), Some(url)) => Ok(Some(MailOptions {
                to: mailboxes(&to)?,
                from: mailbox(FROM, &from)?,
                server: SmtpServer::parse(url)?,
            })),
            (None, ..) => Err(missing(TO)),
            (_, None, _) => Err(missing(FROM)),
            (.., None) => Err(missing(SMTP_URL)),
        }
    }
}

fn missing(variable: &'static str) -> ConfigError {
    let allowed =
        "alerts are mailed only with all of SMTP_URL, ALERT_EMAIL_FROM and ALERT_EMAIL_TO set";
    ConfigError { variable, value: String::new(), allowed }
}

/// The addresses in a list separated by commas.
fn mailboxes(list: &str) -> Result<Vec<Mailbox>, ConfigError> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let boxes: Vec<_> = entries.map(|entry| mailbox(TO, entry)).collect::<Result<_, _>>()?;
    if boxes.is_empty() { Err(missing(TO)) } else { Ok(boxes) }
}

fn mailbox(variable: &'static str, text: &str) -> Result<Mailbox, ConfigError> {
    let allowed = "an address is such as ops@example.com, or Signalbox <ops@example.com>";
    text.trim().parse().map_err(|_| ConfigError { variable, value: text.to_owned(), allowed })
}

impl SmtpServer {
    /// The server in `smtps://user:password@host:port`, or `smtp://…` for STARTTLS, with `?tls=off`
    /// for neither.
    fn parse(text: &Secret) -> Result<SmtpServer, ConfigError> {
        let error = || ConfigError {
            variable: SMTP_URL,
            value: "(hidden)".to_owned(),
            allowed: "it must be such as smtps://user:password@mail.example.com, smtp://… for \
                      STARTTLS, or smtp://…?tls=off for neither; a character of the password that \
                      an address may not contain is percent-encoded",
        };
        let url = Url::parse(text.expose()).map_err(|_| error())?;
        let tls = match (url.scheme(), url.query()) {
            ("smtps", None) => SmtpTls::Always,
            ("smtp", None) => SmtpTls::StartTls,
            ("smtp", Some("tls=off")) => SmtpTls::Off,
            _ => return Err(error()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(error)?;
        let is_bare = matches!(url.path(), "" | "/") && url.fragment().is_none();
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| error())?;
            Ok(Secret::from(text.into_owned()))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                Some((decoded(user)?, decoded(password)?))
            }
            _ => return Err(error()),
        };
        // Brackets belong to the URL, not to an IPv6 address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        is_bare.then_some(SmtpServer { host, port: url.port(), tls, credentials }).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "smtps://ops%40example.com:hunter%232@mail.example.com:4650";

    fn options(to: &str, from: &str, url: &str) -> Result<Option<MailOptions>, String> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        MailOptions::new(some(to), some(from), some(url).map(Secret::from).as_ref())
            .map_err(|error| error.to_string())
    }

    fn server(url: &str) -> Result<SmtpServer, ConfigError> {
        SmtpServer::parse(&Secret::from(url.to_owned()))
    }

    #[test]
    fn op_13_alerts_are_mailed_with_all_three_variables_or_not_at_all() {
        assert!(options("", " ", "").unwrap().is_none());
        for (missing, options) in [
            ("SMTP_URL", options("a@example.com", "b@example.com", "")),
            ("ALERT_EMAIL_FROM", options("a@example.com", "", URL)),
            ("ALERT_EMAIL_TO", options(" , ", "b@example.com", URL)),
        ] {
            let error = options.unwrap_err();
            assert!(error.starts_with(missing), "{error}");
        }
        let options = options("a@example.com, Ann <b@example.com>,", "Signalbox <c@d.org>", URL);
        let options = options.unwrap().unwrap();
        assert_eq!((options.to.len(), options.to[1].name.as_deref()), (2, Some("Ann")));
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = options("a@example.com,nobody", "b@example.com", URL).unwrap_err();
        assert!(error.starts_with("ALERT_EMAIL_TO=nobody cannot be used"), "{error}");
    }

    #[test]
    fn a_mail_servers_url_says_who_it_is_and_how_safe_and_shows_no_password() {
        let full = server(URL).unwrap();
        let (user, password) = full.credentials.as_ref().unwrap();
        assert_eq!((user.expose(), password.expose()), ("ops@example.com", "hunter#2"));
        assert_eq!(
            (full.host.as_str(), full.port, full.tls),
            ("mail.example.com", Some(4650), SmtpTls::Always)
        );
        assert!(!format!("{full:?}").contains("hunter"), "{full:?}");
        assert_eq!(server("smtp://mail.example.com").unwrap().tls, SmtpTls::StartTls);
        let relay = server("smtp://[::1]:25/?tls=off").unwrap();
        assert_eq!((relay.host.as_str(), relay.tls), ("::1", SmtpTls::Off));
        for bad in [
            "http://hunter2@mail",
            "smtp://",
            "mail.example.com:25",
            "smtps://h/hunter2",
            "smtps://h?tls=off",
            "smtp://h?tls=maybe",
            "smtp://user@hunter2",
        ] {
            let error = server(bad).unwrap_err().to_string();
            assert!(error.contains("SMTP_URL") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }
}
