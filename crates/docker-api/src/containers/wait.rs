//! `POST /containers/{name}/wait`.

use axum::{
    extract::{Path, State},
    response::Response,
};
use futures_util::stream;
use serde_json::{Value, json};
use terrarium_api::{Error, Exit, WaitCondition, WaitContainer};

use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    stream::json_lines,
};

pub(super) async fn wait(
    State(app): State<App>,
    Path(container): Path<String>,
    params: Params,
) -> Result<Response> {
    let condition = condition(params.text("condition"))?;
    let waiter = app
        .engine
        .wait_container(WaitContainer {
            container,
            condition,
        })
        .await?;
    // The head goes out now: `docker run` starts the container only when it has seen it.
    let answer = stream::once(async move { show(waiter.done().await) });
    Ok(json_lines(app.closing, answer))
}

fn condition(text: Option<&str>) -> Result<WaitCondition> {
    match text {
        None | Some("not-running") => Ok(WaitCondition::NotRunning),
        Some("next-exit") => Ok(WaitCondition::NextExit),
        Some("removed") => Ok(WaitCondition::Removed),
        Some(other) => {
            let shown: String = other
                .chars()
                .take(40)
                .flat_map(char::escape_debug)
                .collect();
            Err(Failure::bad_request(format!(
                "invalid condition: \"{shown}\""
            )))
        }
    }
}

fn show(exit: Result<Exit, Error>) -> Value {
    match exit {
        Ok(exit) => json!({ "StatusCode": exit.code }),
        Err(error) => json!({ "StatusCode": -1, "Error": { "Message": error.to_string() } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_dockers_names() {
        assert_eq!(condition(None), Ok(WaitCondition::NotRunning));
        assert_eq!(condition(Some("removed")), Ok(WaitCondition::Removed));
        assert_eq!(condition(Some("next-exit")), Ok(WaitCondition::NextExit));
        assert!(condition(Some("bored")).is_err());
    }
}
