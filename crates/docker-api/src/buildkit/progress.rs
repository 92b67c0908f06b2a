//! A build as BuildKit's clients are told of it: vertices that begin and end, and their output.

use std::{collections::BTreeMap, time::SystemTime};

use terrarium_api::Error;
use terrarium_buildkit::messages::{StatusResponse, Timestamp, Vertex, VertexLog, VertexStatus};
use terrarium_engine::{BuildEvent, Built, Delivery, Form, StepPlace};
use terrarium_oci::{Digest, Reference};
use tokio::sync::mpsc;

/// How clients recognize what was only in the way of an end.
const CANCELED: &str = "context canceled";

/// Tells a client how a build goes on, at the pace of the client.
pub(super) struct Progress {
    /// Makes names of vertices that no other build has.
    seed: String,
    to: mpsc::Sender<StatusResponse>,
    /// Instructions under way, by their numbers.
    open: BTreeMap<usize, Vertex>,
    failed: Option<usize>,
    /// What goes to where it belongs.
    delivering: Option<Vertex>,
}

impl Progress {
    pub(super) fn new(seed: String, to: mpsc::Sender<StatusResponse>) -> Self {
        Self {
            seed,
            to,
            open: BTreeMap::new(),
            failed: None,
            delivering: None,
        }
    }

    /// Something begins that is no instruction.
    pub(super) async fn begin(&self, name: &str) -> Vertex {
        let vertex = Vertex {
            digest: self.digest(name),
            name: name.to_owned(),
            started: Some(now()),
            ..Vertex::default()
        };
        self.tell(vertex.clone()).await;
        vertex
    }

    /// It went on to its end, or failed for a reason.
    pub(super) async fn end(&self, mut vertex: Vertex, error: Option<&str>) {
        vertex.completed = Some(now());
        error.unwrap_or_default().clone_into(&mut vertex.error);
        self.tell(vertex).await;
    }

    /// A part of it is done.
    pub(super) async fn part(&self, vertex: &Vertex, name: String, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let status = VertexStatus {
            id: name.clone(),
            vertex: vertex.digest.clone(),
            name,
            current: bytes,
            total: 0,
            timestamp: Some(now()),
            started: vertex.started,
            completed: Some(now()),
        };
        self.send(StatusResponse {
            statuses: vec![status],
            ..StatusResponse::default()
        })
        .await;
    }

    pub(super) async fn event(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::Step {
                number,
                line,
                place: Some(place),
                ..
            } => {
                // What a base image left for later happens within its FROM.
                if !self.open.contains_key(&number) {
                    let mut vertex = self.vertex(number, named(&place, &line));
                    vertex.started = Some(now());
                    self.tell(vertex.clone()).await;
                    self.open.insert(number, vertex);
                }
            }
            BuildEvent::Step { .. } => {}
            BuildEvent::Done { number, cached, .. } => {
                if let Some(mut vertex) = self.open.remove(&number) {
                    vertex.cached = cached;
                    self.end(vertex, None).await;
                }
            }
            BuildEvent::Failed { number } => self.failed = Some(number),
            BuildEvent::Output { number, bytes } => self.output(number, bytes).await,
            BuildEvent::Delivering(delivery) => {
                self.delivering = Some(self.begin(&titled(&delivery)).await);
            }
            BuildEvent::Delivered => {
                if let Some(vertex) = self.delivering.take() {
                    self.end(vertex, None).await;
                }
            }
        }
    }

    /// Ends what is still under way, and tells of the image.
    pub(super) async fn finish(&mut self, built: &Result<Built, Error>, tags: &[String]) {
        let cause = match built {
            Ok(_) => None,
            Err(error) => Some(error.causes.last().unwrap_or(&error.message).clone()),
        };
        for (number, vertex) in std::mem::take(&mut self.open) {
            let is_to_blame = self.failed == Some(number);
            let error = cause.as_deref().map(|cause| match is_to_blame {
                true => cause,
                false => CANCELED,
            });
            self.end(vertex, error).await;
        }
        if let Some(vertex) = self.delivering.take() {
            self.end(vertex, cause.as_deref()).await;
        }
        if let Ok(Built { id, image, .. }) = built
            && image.is_some()
        {
            self.exported(id, tags).await;
        }
    }

    async fn exported(&self, id: &str, tags: &[String]) {
        let vertex = self.begin("exporting to image").await;
        self.part(&vertex, "exporting layers".to_owned(), 0).await;
        self.part(&vertex, format!("writing image {id}"), 0).await;
        for tag in tags {
            let name = Reference::dissect(tag).map(|found| found.reference.to_string());
            let name = name.unwrap_or_else(|_| tag.clone());
            self.part(&vertex, format!("naming to {name}"), 0).await;
        }
        self.end(vertex, None).await;
    }

    async fn output(&self, number: usize, bytes: Vec<u8>) {
        let Some(vertex) = self.open.get(&number) else {
            return;
        };
        let log = VertexLog {
            vertex: vertex.digest.clone(),
            timestamp: Some(now()),
            stream: 1,
            bytes,
        };
        self.send(StatusResponse {
            logs: vec![log],
            ..StatusResponse::default()
        })
        .await;
    }

    async fn tell(&self, vertex: Vertex) {
        self.send(StatusResponse {
            vertexes: vec![vertex],
            ..StatusResponse::default()
        })
        .await;
    }

    async fn send(&self, response: StatusResponse) {
        // A client that has left ends the build by dropping it.
        let _ = self.to.send(response).await;
    }

    fn vertex(&self, number: usize, name: String) -> Vertex {
        Vertex {
            digest: self.digest(&number.to_string()),
            name,
            ..Vertex::default()
        }
    }

    fn digest(&self, of: &str) -> String {
        Digest::sha256_of(format!("{} {of}", self.seed).as_bytes()).to_string()
    }
}

/// Where a result goes, in BuildKit's words.
fn titled(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Files => "exporting to client directory".to_owned(),
        Delivery::File(Form::Tar) => "exporting to client tarball".to_owned(),
        Delivery::File(Form::Archive) => "exporting to oci image format".to_owned(),
        Delivery::Push(name) => format!("pushing {name}"),
        Delivery::Cache(_) => "exporting cache to registry".to_owned(),
    }
}

/// A step as BuildKit shows it, its number as wide as the greatest one.
fn named(place: &StepPlace, line: &str) -> String {
    let StepPlace {
        stage,
        index,
        count,
    } = place;
    let stage = stage.as_ref().map(|stage| format!("{stage} "));
    let width = count.to_string().len();
    format!(
        "[{}{index:>width$}/{count}] {line}",
        stage.unwrap_or_default()
    )
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: usize, index: usize) -> BuildEvent {
        let place = StepPlace {
            stage: Some("made".to_owned()),
            index,
            count: 12,
        };
        BuildEvent::Step {
            number,
            total: 20,
            line: format!("RUN {number}"),
            place: Some(place),
        }
    }

    #[tokio::test]
    async fn the_step_that_failed_is_told_from_those_that_it_ended() {
        let (to, mut told) = mpsc::channel(64);
        let mut progress = Progress::new("seed".to_owned(), to);
        for event in [
            step(2, 1),
            step(3, 2),
            step(4, 12),
            BuildEvent::Output {
                number: 3,
                bytes: b"why".to_vec(),
            },
            BuildEvent::Done {
                number: 2,
                cached: true,
                layer: None,
            },
            BuildEvent::Failed { number: 3 },
        ] {
            progress.event(event).await;
        }
        let mut error = Error::new(terrarium_api::ErrorCode::InvalidArgument, "build");
        error.causes = vec!["line 3".to_owned(), "code 7".to_owned()];
        progress.finish(&Err(error), &[]).await;
        drop(progress);

        let (mut ended, mut output) = (Vec::new(), Vec::new());
        while let Some(response) = told.recv().await {
            let done = response.vertexes.into_iter();
            let done = done.filter(|vertex| vertex.completed.is_some());
            ended.extend(done.map(|vertex| (vertex.name, vertex.cached, vertex.error)));
            output.extend(response.logs.into_iter().map(|log| log.bytes));
        }
        let expect = [
            ("[made  1/12] RUN 2", true, ""),
            ("[made  2/12] RUN 3", false, "code 7"),
            ("[made 12/12] RUN 4", false, CANCELED),
        ];
        let expect =
            expect.map(|(name, cached, error)| (name.to_owned(), cached, error.to_owned()));
        assert_eq!(ended, expect);
        assert_eq!(output, [b"why"]);
    }
}
