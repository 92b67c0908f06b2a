//! `GET /events`.

use std::time::Duration;

use axum::{extract::State, response::Response};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use terrarium_api::LifecycleEvent;
use terrarium_engine::{Received, Subscription};

use crate::{
    error::{Failure, Result},
    filters::Filters,
    request::Params,
    server::App,
    stream::json_lines,
    time,
};

const FILTERS: &[&str] = &[
    "config",
    "container",
    "daemon",
    "event",
    "image",
    "label",
    "network",
    "node",
    "plugin",
    "scope",
    "secret",
    "service",
    "type",
    "volume",
];

pub(super) async fn events(State(app): State<App>, params: Params) -> Result<Response> {
    let filters = Filters::parse(params.text("filters"), FILTERS)?;
    let now_ns = time::now_ns();
    let bound = |name| match params.text(name) {
        None => Ok(None),
        Some(text) => time::parse(text, now_ns)
            .map(Some)
            .ok_or_else(|| Failure::bad_request(format!("invalid value for \"{name}\""))),
    };
    let (since, until) = (bound("since")?, bound("until")?);
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(Failure::bad_request(
            "`since` time cannot be after `until` time",
        ));
    }
    let (recent, subscription) = app.engine.hub().events();
    let past = match (since, until) {
        (None, None) => Vec::new(),
        _ => past(&app, recent, since.unwrap_or(0)).await?,
    };
    let before_end = move |event: &LifecycleEvent| until.is_none_or(|until| event.at_ns <= until);
    let wanted = move |event: &LifecycleEvent| before_end(event) && matches(&filters, event);
    let all = stream::iter(past).chain(live(subscription));
    let shown =
        all.filter_map(move |event| std::future::ready(wanted(&event).then(|| show(&event))));
    let end = async move {
        match until {
            Some(until) => {
                tokio::time::sleep(Duration::from_nanos(until.saturating_sub(now_ns))).await
            }
            None => std::future::pending().await,
        }
    };
    Ok(json_lines(
        app.closing.clone(),
        shown.take_until(Box::pin(end)),
    ))
}

/// Events since a time: those that the hub no longer has come from the history.
async fn past(app: &App, recent: Vec<LifecycleEvent>, since: u64) -> Result<Vec<LifecycleEvent>> {
    let oldest = recent.first().map_or(u64::MAX, |event| event.at_ns);
    let mut past = Vec::new();
    if since < oldest {
        past = app
            .engine
            .events_between(since, oldest.saturating_sub(1))
            .await?;
    }
    past.extend(recent.into_iter().filter(|event| event.at_ns >= since));
    Ok(past)
}

/// Events from now on. A client that is too slow loses some, as with Docker.
fn live(subscription: Subscription<LifecycleEvent>) -> impl stream::Stream<Item = LifecycleEvent> {
    stream::unfold(subscription, |mut subscription| async {
        loop {
            match subscription.next().await? {
                Received::Next(event) => return Some((event, subscription)),
                Received::Lagged => tracing::warn!("a reader of events is too slow and lost some"),
            }
        }
    })
}

fn matches(filters: &Filters, event: &LifecycleEvent) -> bool {
    let attribute = |key: &str| event.attributes.get(key).map_or("", String::as_str);
    let object = |kind: &str| {
        filters.any(kind, |wanted| {
            let own = event.kind == kind
                && (event.id.starts_with(wanted)
                    || attribute("name") == wanted.trim_start_matches('/'));
            // Events of a network or a volume name the container they are about.
            own || (event.kind != kind && attribute(kind) == wanted && !wanted.is_empty())
        })
    };
    let of_image = filters.any("image", |wanted| {
        let names = match event.kind.as_str() {
            "image" => [event.id.as_str(), attribute("name")],
            _ => [attribute("image"), ""],
        };
        names
            .iter()
            .any(|name| *name == wanted || untagged(name) == wanted)
    });
    // `exec_create: ls -l` is an `exec_create`.
    let action = event.action.split(':').next().unwrap_or_default();
    filters.exact("type", &event.kind)
        && filters.any("event", |wanted| wanted == action || wanted == event.action)
        && filters.exact("scope", "local")
        && filters.labels(&event.attributes)
        && of_image
        && [
            "container",
            "network",
            "volume",
            "daemon",
            "plugin",
            "service",
            "node",
            "secret",
            "config",
        ]
        .into_iter()
        .all(object)
}

fn untagged(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((short, tag)) if !tag.contains('/') => short,
        _ => name,
    }
}

fn show(event: &LifecycleEvent) -> Value {
    let mut shown = json!({
        "Type": event.kind,
        "Action": event.action,
        "Actor": { "ID": event.id, "Attributes": event.attributes },
        "scope": "local",
        "time": event.at_ns / 1_000_000_000,
        "timeNano": event.at_ns,
    });
    // The fields of the API before 1.22, which clients still read.
    if matches!(event.kind.as_str(), "container" | "image") {
        shown["status"] = json!(event.action);
        shown["id"] = json!(event.id);
        if let Some(image) = event.attributes.get("image") {
            shown["from"] = json!(image);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, action: &str, attributes: &[(&str, &str)]) -> LifecycleEvent {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        LifecycleEvent {
            at_ns: 1_700_000_000_000_000_007,
            kind: kind.into(),
            action: action.into(),
            id: "abc123".into(),
            attributes: attributes.iter().map(owned).collect(),
        }
    }

    #[test]
    fn filters_select_what_docker_selects() {
        let start = event(
            "container",
            "start",
            &[("name", "web"), ("image", "nginx:1"), ("app", "x")],
        );
        let exec = event("container", "exec_create: ls", &[("name", "web")]);
        let pull = event("image", "pull", &[("name", "nginx:1")]);
        let check = |text: &str, expect: [bool; 3]| {
            let filters = Filters::parse(Some(text), FILTERS).expect("it is valid");
            let found = [&start, &exec, &pull].map(|event| matches(&filters, event));
            assert_eq!(found, expect, "{text}");
        };
        check("{}", [true, true, true]);
        check(r#"{"type":["image"]}"#, [false, false, true]);
        check(r#"{"event":["start","pull"]}"#, [true, false, true]);
        check(r#"{"event":["exec_create"]}"#, [false, true, false]);
        check(r#"{"container":["web"]}"#, [true, true, false]);
        check(r#"{"container":["abc"]}"#, [true, true, false]);
        check(r#"{"image":["nginx"]}"#, [true, false, true]);
        check(r#"{"label":["app=x"]}"#, [true, false, false]);
        check(r#"{"volume":["v"]}"#, [false, false, false]);
    }

    #[test]
    fn an_event_has_the_fields_of_all_versions() {
        let shown = show(&event(
            "container",
            "die",
            &[("image", "nginx:1"), ("exitCode", "3")],
        ));
        assert_eq!(
            (&shown["status"], &shown["Action"]),
            (&json!("die"), &json!("die"))
        );
        assert_eq!(
            (&shown["from"], &shown["id"]),
            (&json!("nginx:1"), &json!("abc123"))
        );
        assert_eq!(shown["time"], 1_700_000_000);
        assert_eq!(shown["timeNano"], 1_700_000_000_000_000_007_u64);
        assert_eq!(shown["Actor"]["Attributes"]["exitCode"], "3");
    }
}
