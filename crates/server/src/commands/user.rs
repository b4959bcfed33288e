//! `user create`, `user reset-password` and `user restore`: accounts made and mended on the command line, also beside a
//! running server.

use std::io::BufRead;

use actions::{Context, accounts};

use super::{Failure, Result, print};
use crate::cli::{Exit, User};
use crate::config::Config;
use crate::parts;

pub(super) async fn run(what: User, config: &Config) -> Result {
    let ctx = parts::context(config, parts::database(config).await?)?;
    match what {
        User::Create { email, org, verified, .. } => {
            let password = password()?;
            let (user, organization) =
                accounts::create_by_operator(&ctx, &email, &password, org.as_deref(), verified).await?;
            print(&format!(
                "{} was created and owns {}: {}/p/{}\n",
                user.email_display, organization.name, ctx.policy.public_url, organization.slug
            ))
        }
        User::ResetPassword { email, clear_second_factor, .. } => {
            let password = password()?;
            accounts::set_password_by_operator(&ctx, &email, &password, clear_second_factor).await.map_err(
                |error| match error {
                    actions::Error::NotFound => {
                        Failure::new(Exit::BadData, format!("There is no account for {email}."))
                    }
                    other => other.into(),
                },
            )?;
            let cleared = if clear_second_factor { " The second factor is off." } else { "" };
            print(&format!("The password was changed; all sessions of the account ended.{cleared}\n"))
        }
        User::Restore { email } => restore(&ctx, &email).await,
    }
}

async fn restore(ctx: &Context, email: &str) -> Result {
    let restored = accounts::restore_by_operator(ctx, email).await.map_err(|error| match error {
        actions::Error::NotFound => {
            Failure::new(Exit::BadData, format!("No account for {email} was deleted in the last 30 days."))
        }
        other => other.into(),
    })?;
    let with: Vec<String> =
        restored.iter().map(|one| format!(", with {} ({})", one.name, one.slug)).collect();
    print(&format!("The account of {email} is back{}. Its password is the old one.\n", with.concat()))
}

/// The first line of standard input, without its line break.
fn password() -> Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(Exit::BadData, format!("the password cannot be read: {error}")))?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        return Err(Failure::new(
            Exit::BadData,
            "write the password to standard input, for example with a pipe",
        ));
    }
    Ok(password)
}
