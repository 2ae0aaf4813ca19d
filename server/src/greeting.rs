//! What the person who starts Signalbox reads: where it is, and on the first run how to get in.

use std::io::Write as _;

use signalbox_engine::auth::users::FirstAdmin;

/// Writes the block to standard output.
pub fn greet(url: &str, admin: &FirstAdmin) {
    // Nobody reads a standard output that is closed.
    let _ = write!(std::io::stdout(), "{}", text(url, admin));
    let _ = std::io::stdout().flush();
}

fn text(url: &str, admin: &FirstAdmin) -> String {
    let sign_in = match admin {
        FirstAdmin::AlreadyThere => String::new(),
        FirstAdmin::FromEnvironment { email } => {
            format!("    Email     {email}\n    Password  as in ADMIN_PASSWORD\n")
        }
        FirstAdmin::OneTimePassword { email, password } => format!(
            "    Email     {email}\n    Password  {password}\n              \
             (works once: you choose your own when you sign in)\n"
        ),
    };
    format!("\n  Signalbox is running\n\n    URL       {url}\n{sign_in}\n  Ctrl-C stops it.\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_run_tells_how_to_get_in() {
        let admin =
            FirstAdmin::OneTimePassword { email: "a@b".to_owned(), password: "pw-1".to_owned() };
        let text = text("http://127.0.0.1:3000", &admin);
        assert!(text.contains("URL       http://127.0.0.1:3000\n"));
        assert!(text.contains("Email     a@b\n") && text.contains("Password  pw-1\n"));
    }

    #[test]
    fn a_password_from_the_environment_is_not_shown() {
        let admin = FirstAdmin::FromEnvironment { email: "a@b".to_owned() };
        assert!(text("http://x", &admin).contains("as in ADMIN_PASSWORD"));
    }
}
