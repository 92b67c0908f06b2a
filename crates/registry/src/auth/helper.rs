use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Credential;
use crate::quote::quote;
use crate::{Error, Result};

/// A helper may ask the user to unlock a keyring, but a pull does not wait for that forever.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a helper answers (`docker-credential-helpers`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks `docker-credential-HELPER get` for the credential that is kept under `key`; none if it has none.
pub(super) async fn ask(helper: &str, key: &str) -> Result<Option<Credential>> {
    let fail = |why: String| Error::CredentialHelper {
        helper: quote(helper),
        why,
    };
    // The name comes from a file and becomes part of a program's name: it must not lead out of PATH.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if helper.is_empty() || !helper.chars().all(plain) {
        return Err(fail("this is no name of a program".to_owned()));
    }
    let program = format!("docker-credential-{helper}");
    let output = tokio::time::timeout(PATIENCE, run(&program, key));
    let output = match output.await {
        Err(_) => {
            return Err(fail(format!(
                "no answer within {} seconds",
                PATIENCE.as_secs()
            )));
        }
        Ok(Err(why)) => return Err(fail(why.to_string())),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        // Helpers report both errors and their having nothing on standard output.
        let text = String::from_utf8_lossy(&output.stdout);
        let nothing = text.contains("credentials not found");
        return if nothing {
            Ok(None)
        } else {
            Err(fail(quote(&text)))
        };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| fail("it answered no credential".to_owned()))?;
    Ok(Some(match answer.username.as_str() {
        "<token>" => Credential::IdentityToken(answer.secret),
        _ => Credential::Password {
            username: answer.username,
            password: answer.secret,
        },
    }))
}

async fn run(program: &str, key: &str) -> std::io::Result<std::process::Output> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(key.as_bytes()).await?;
    }
    child.wait_with_output().await
}
