//! Answers to the calls of the other side.

use std::future::Future;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Response};
use prost::Message;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Receiving, Sending, Status};
use crate::{Error, Result};

/// Calls that one connection may have open.
const CALLS: u32 = 200;
const WINDOW: u32 = 1 << 20;
const LONGEST_HEAD: u32 = 256 << 10;

/// Answers the calls on a connection, each on its own, until the other side leaves or `closing` is canceled.
///
/// # Errors
/// When the other side does not speak HTTP/2, or breaks its rules.
pub async fn serve<T, F>(
    connection: T,
    closing: CancellationToken,
    answer: impl Fn(Incoming) -> F,
) -> Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connection = h2::server::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(CALLS)
        .max_header_list_size(LONGEST_HEAD)
        .handshake(connection)
        .await?;
    let mut calls = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => return Ok(()),
            accepted = connection.accept() => accepted,
        };
        let Some(accepted) = accepted else {
            return Ok(());
        };
        let (request, reply) = accepted?;
        let (head, body) = request.into_parts();
        let method = head.uri.path().to_owned();
        calls.spawn(answer(Incoming {
            receiving: Receiving::of_request(method.clone(), body),
            method,
            metadata: head.headers,
            answer: reply,
        }));
        // Those that have ended are forgotten; dropping the set ends the others.
        while calls.try_join_next().is_some() {}
    }
}

/// A call of the other side.
#[derive(Debug)]
pub struct Incoming {
    /// `/package.Service/Method`.
    pub method: String,
    /// Its metadata.
    pub metadata: HeaderMap,
    /// What the other side sends.
    pub receiving: Receiving,
    answer: SendResponse<Bytes>,
}

impl Incoming {
    /// The only message of a call.
    ///
    /// # Errors
    /// When there is none.
    pub async fn question<M: Message + Default>(&mut self) -> Result<M> {
        let message = self.receiving.next().await?;
        message.ok_or_else(|| Error::Left(self.method.clone()))
    }

    /// Begins an answer of many messages.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn begin(&mut self) -> Result<Sending> {
        let head = Response::builder().header("content-type", "application/grpc");
        let head = head.body(()).expect("a fixed head is valid");
        Ok(Sending::new(self.answer.send_response(head, false)?))
    }

    /// Answers with `work`, which writes what it has to say, and ends as soon as nobody listens.
    pub async fn stream<F>(mut self, work: impl FnOnce(Receiving, Outgoing) -> F)
    where
        F: Future<Output = std::result::Result<(), Status>>,
    {
        let Ok(mut sending) = self.begin() else {
            return;
        };
        let (messages, mut waiting) = tokio::sync::mpsc::channel::<Bytes>(16);
        let mut work = std::pin::pin!(work(self.receiving, Outgoing(messages)));
        let mut ended = None;
        loop {
            tokio::select! {
                biased;
                Some(message) = waiting.recv() => {
                    if sending.send_bytes(&message).await.is_err() {
                        return;
                    }
                }
                end = &mut work, if ended.is_none() => ended = Some(end),
                () = sending.abandoned(), if ended.is_none() => return,
                else => break,
            }
            if ended.is_some() && waiting.is_empty() {
                break;
            }
        }
        let ok = Status::new(Status::OK, "");
        sending.finish(&ended.map_or(ok.clone(), |end| end.err().unwrap_or(ok)));
    }

    /// Answers with one message.
    pub async fn reply<M: Message>(
        self,
        work: impl Future<Output = std::result::Result<M, Status>>,
    ) {
        self.stream(|_, outgoing| async move {
            let reply = work.await?;
            outgoing.send(&reply).await;
            Ok(())
        })
        .await;
    }
}

/// Where an answer is written.
#[derive(Debug, Clone)]
pub struct Outgoing(tokio::sync::mpsc::Sender<Bytes>);

impl Outgoing {
    /// Sends a message. Whoever does not listen any more ends the answer, not the sender.
    pub async fn send(&self, message: &impl Message) {
        let _ = self.0.send(message.encode_to_vec().into()).await;
    }
}
