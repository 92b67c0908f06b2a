//! What clients want of a result besides an image here: files and archives that go to them.

use std::{collections::HashMap, io, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt as _};
use serde::Deserialize;
use terrarium_api::{Error, ErrorCode};
use terrarium_buildkit::{
    Session,
    context::{Offered, Pieces, Source, send_file, send_files},
    messages::Stat,
};
use terrarium_engine::{Content, Destination, Entry, Files, Form, Kind, Writing};

use crate::{
    error::{Failure, Result},
    request::Params,
};

/// Options with which nothing else than usual happens here.
const USUAL: [(&str, &[&str]); 6] = [
    ("compression", &["gzip", ""]),
    ("force-compression", &["false"]),
    ("push-by-digest", &["false"]),
    ("mode", &["copy", ""]),
    ("tar", &["true"]),
    ("store", &["true"]),
];

/// What becomes of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An image of this engine.
    Image { push: bool },
    /// Files in a folder of the client.
    Files,
    /// A file of the client.
    File(Form),
}

impl Wanted {
    /// Reads an output by its kind and its options.
    ///
    /// # Errors
    /// What of it there is not.
    pub(super) fn read(kind: &str, options: &HashMap<String, String>) -> Result<Self, String> {
        for (name, value) in options {
            let usual = USUAL.iter().find(|(usual, _)| usual == name);
            let is_unusual = usual.is_some_and(|(_, values)| !values.contains(&value.as_str()));
            if is_unusual || name.starts_with("annotation") {
                return Err(format!("the option {name}={value} of an output"));
            }
        }
        Ok(match kind {
            // What makes an image of this engine, by the names that clients give it.
            "moby" | "image" | "" => Self::Image {
                push: options.get("push").is_some_and(|push| push == "true"),
            },
            "local" => Self::Files,
            "tar" => Self::File(Form::Tar),
            // One archive is both.
            "oci" | "docker" => Self::File(Form::Archive),
            other => return Err(format!("the output {other:?}")),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    attrs: Option<HashMap<String, String>>,
}

/// The outputs that a request for a build lists.
pub(crate) fn outputs(params: &Params) -> Result<Vec<Wanted>> {
    let Some(text) = params.text("outputs") else {
        return Ok(Vec::new());
    };
    let listed: Option<Vec<Listed>> = serde_json::from_str(text)
        .map_err(|error| Failure::bad_request(format!("invalid outputs: {error}")))?;
    let listed = listed.unwrap_or_default().into_iter();
    let read = listed.map(|output| Wanted::read(&output.r#type, &output.attrs.unwrap_or_default()));
    let read: Result<_, String> = read.collect();
    read.map_err(|what| Failure::not_built(&what))
}

/// Where a result goes, for a client that takes it.
pub(super) fn destinations(session: &Arc<Session>, wanted: &[Wanted]) -> Vec<Destination> {
    let wanted = wanted.iter().enumerate();
    wanted
        .map(|(place, wanted)| {
            let session = Arc::clone(session);
            match *wanted {
                Wanted::Image { push } => Destination::Image { push },
                Wanted::Files => {
                    let deliver = move |files| send_all(session, place, files).boxed();
                    Destination::Files(Box::new(deliver))
                }
                Wanted::File(form) => {
                    let deliver = move |writing| send_one(session, place, writing);
                    Destination::Stream(form, Box::new(deliver))
                }
            }
        })
        .collect()
}

async fn send_all(session: Arc<Session>, place: usize, files: Arc<Files>) -> Result<(), Error> {
    let walk = files.walk().into_iter();
    // Devices and the like are nothing that a client could make.
    let walk = walk.filter(|(_, entry)| !matches!(entry.kind, Kind::Special));
    let offered = walk.map(|(path, entry)| offered(path, entry)).collect();
    let sent = send_files(&session, place, offered).await;
    sent.map(drop).map_err(|error| unsent(&error))
}

fn offered(path: &str, entry: Entry) -> Offered {
    let mut stat = Stat {
        path: path.to_owned(),
        mode: Stat::mode_of(entry.mode),
        uid: entry.uid,
        gid: entry.gid,
        modified_ns: i64::try_from(entry.modified)
            .unwrap_or(0)
            .saturating_mul(1_000_000_000),
        ..Stat::default()
    };
    let mut source = None;
    match entry.kind {
        Kind::Folder => stat.mode |= Stat::FOLDER,
        Kind::Link(target) => {
            stat.mode |= Stat::LINK;
            stat.link = target;
        }
        Kind::File(content) => {
            stat.size = i64::try_from(content.len()).unwrap_or(i64::MAX);
            source = Some(bytes(content));
        }
        Kind::Special => {}
    }
    Offered { stat, source }
}

fn bytes(content: Content) -> Source {
    Arc::new(move |sink| io::copy(&mut content.open(), sink).map(drop))
}

fn send_one(
    session: Arc<Session>,
    place: usize,
    writing: Writing,
) -> BoxFuture<'static, Result<(), Error>> {
    async move {
        let (mut writer, pieces) = Pieces::new();
        let written = tokio::task::spawn_blocking(move || {
            writing(&mut writer)?;
            let flushed = io::Write::flush(&mut writer);
            flushed.map_err(|error| Error::new(ErrorCode::Internal, "send a file").because(&error))
        });
        // Where the client takes no more, what is written here fails as well, and says less.
        let sent = send_file(&session, place, pieces).await;
        let written = written.await;
        sent.map_err(|error| unsent(&error))?;
        let stopped = |error| Error::new(ErrorCode::Internal, "send a file").because(&error);
        written.map_err(stopped)?
    }
    .boxed()
}

fn unsent(error: &terrarium_buildkit::Error) -> Error {
    let text = "send the result to the client";
    Error::new(ErrorCode::InvalidArgument, text).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_and_what_would_silently_not_happen_is_refused() {
        let read = |kind: &str, options: &[(&str, &str)]| {
            let options = options.iter();
            let options = options.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Wanted::read(kind, &options.collect())
        };
        let image = |push| Ok(Wanted::Image { push });
        assert_eq!(read("moby", &[("unpack", "true")]), image(false));
        assert_eq!(read("image", &[("push", "true")]), image(true));
        assert_eq!(
            read("local", &[("platform-split", "false")]),
            Ok(Wanted::Files)
        );
        assert_eq!(
            read("oci", &[("tar", "true")]),
            Ok(Wanted::File(Form::Archive))
        );
        for (kind, options) in [
            ("oci", &[("tar", "false")][..]),
            ("local", &[("mode", "delete")]),
            ("image", &[("annotation.a", "b")]),
            ("image", &[("compression", "zstd")]),
            ("frobnicate", &[]),
        ] {
            assert!(read(kind, options).is_err(), "{kind} {options:?}");
        }
    }
}
