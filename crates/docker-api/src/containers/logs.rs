//! `GET /containers/{name}/logs`.

use axum::{
    extract::{Extension, Path, State},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use terrarium_api::{LogLine, LogQuery};

use super::attach::source;
use crate::{
    error::{Failure, Result},
    request::{ApiVersion, Params},
    server::App,
    stream::{frame, raw_type, streaming},
    time,
};

pub(super) async fn logs(
    State(app): State<App>,
    Path(container): Path<String>,
    Extension(version): Extension<ApiVersion>,
    params: Params,
) -> Result<Response> {
    let query = query(container, &params, time::now_ns())?;
    let terminal = app
        .engine
        .inspect_container(&query.container)
        .await?
        .summary
        .terminal;
    let style = Style {
        framed: !terminal,
        timestamps: params.flag("timestamps"),
        details: params.flag("details"),
    };
    let batches = app.engine.logs(query).await?;
    let pieces = stream::unfold(batches, move |mut batches| async move {
        match batches.recv().await? {
            Ok(batch) => Some((style.batch(&batch.lines), batches)),
            // The head is sent already; the end of the body is all that can be said.
            Err(error) => {
                tracing::warn!(%error, "a stream of logs broke off");
                None
            }
        }
    });
    Ok(streaming(raw_type(terminal, version), app.closing, pieces))
}

fn query(container: String, params: &Params, now_ns: u64) -> Result<LogQuery> {
    let (stdout, stderr) = (params.flag("stdout"), params.flag("stderr"));
    if !stdout && !stderr {
        return Err(Failure::bad_request(
            "Bad parameters: you must choose at least one stream",
        ));
    }
    let moment = |name| match params.text(name) {
        // Clients send 0 for "no bound".
        None | Some("0") => Ok(None),
        Some(text) => time::parse(text, now_ns)
            .map(Some)
            .ok_or_else(|| Failure::bad_request(format!("invalid value for \"{name}\""))),
    };
    Ok(LogQuery {
        container,
        follow: params.flag("follow"),
        // A word or a negative number is "all", as in Docker.
        tail: params.text("tail").and_then(|text| text.parse().ok()),
        since_ns: moment("since")?,
        until_ns: moment("until")?,
        stdout,
        stderr,
    })
}

/// How lines are written.
#[derive(Debug, Clone, Copy)]
struct Style {
    framed: bool,
    timestamps: bool,
    details: bool,
}

impl Style {
    fn batch(self, lines: &[LogLine]) -> Bytes {
        let mut bytes = BytesMut::new();
        for line in lines {
            let text = self.line(line);
            match self.framed {
                true => bytes.extend_from_slice(&frame(source(line.stream), text.as_bytes())),
                false => bytes.extend_from_slice(text.as_bytes()),
            }
        }
        bytes.freeze()
    }

    fn line(self, line: &LogLine) -> String {
        let mut text = String::with_capacity(line.text.len() + 32);
        if self.timestamps {
            let ns = line.at_ms.saturating_mul(1_000_000) + u64::from(line.at_subms_ns);
            text.push_str(&time::fixed_from_ns(ns));
            text.push(' ');
        }
        if self.details {
            // The place of the log driver's labels, of which there are none.
            text.push(' ');
        }
        text.push_str(&line.text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_api::LogStream;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn line() -> LogLine {
        LogLine {
            at_ms: NOW / 1_000_000,
            at_subms_ns: 7,
            stream: LogStream::Stderr,
            text: "oh\n".into(),
        }
    }

    #[test]
    fn lines_are_framed_and_stamped() {
        let plain = Style {
            framed: false,
            timestamps: false,
            details: false,
        };
        assert_eq!(plain.line(&line()), "oh\n");
        let full = Style {
            framed: true,
            timestamps: true,
            details: true,
        };
        assert_eq!(full.line(&line()), "2023-11-14T22:13:20.000000007Z  oh\n");
        assert_eq!(&full.batch(&[line()])[..8], b"\x02\0\0\0\0\0\0\x23");
    }

    #[test]
    fn queries_are_read_like_docker_reads_them() {
        let parse = |text: &str| query("c".into(), &Params::of(text), NOW);
        let all = parse("stdout=1&tail=all&since=0").expect("it is valid");
        assert_eq!((all.tail, all.since_ns, all.stderr), (None, None, false));
        let some =
            parse("stderr=1&tail=5&since=1600000000&until=10s&follow=1").expect("it is valid");
        assert_eq!(
            (some.tail, some.since_ns),
            (Some(5), Some(1_600_000_000_000_000_000))
        );
        assert_eq!(
            (some.until_ns, some.follow),
            (Some(NOW - 10_000_000_000), true)
        );
        assert!(parse("tail=5").is_err());
        assert!(parse("stdout=1&since=soon").is_err());
    }
}
