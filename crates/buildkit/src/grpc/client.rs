//! Calls to the other side of a connection.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderName, HeaderValue, Request};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Receiving, Sending};
use crate::{Error, Result, messages::Empty};

/// What may be under way before the receiver has looked at it: files come in one stream.
const WINDOW: u32 = 4 << 20;

/// A connection on which the other side answers calls.
#[derive(Debug, Clone)]
pub struct Channel {
    requests: SendRequest<Bytes>,
    closed: CancellationToken,
}

/// A call under way.
#[derive(Debug)]
pub struct Call {
    /// To the other side.
    pub sending: Sending,
    /// From it.
    pub receiving: Receiving,
}

impl Call {
    /// Sends a message to a side that may have ended the call meanwhile.
    ///
    /// # Errors
    /// Why it ended the call; when it is gone.
    pub async fn tell(&mut self, message: &impl Message) -> Result<()> {
        let Err(unsent) = self.sending.send(message).await else {
            return Ok(());
        };
        loop {
            match self.receiving.next::<Empty>().await {
                // What came before is of no interest any more.
                Ok(Some(_)) | Err(Error::Malformed(_)) => {}
                Ok(None) => return Err(unsent),
                Err(reason) => return Err(reason),
            }
        }
    }
}

impl Channel {
    /// Begins HTTP/2 on a connection. It ends with the connection; the guard ends it sooner.
    ///
    /// # Errors
    /// When the other side does not speak HTTP/2.
    pub async fn open<T>(connection: T) -> Result<(Self, DropGuard)>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .enable_push(false);
        let (requests, connection) = builder.handshake(connection).await?;
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        let (end, told) = (closing.clone(), closed.clone());
        tokio::spawn(async move {
            // A client that goes away in the middle is everyday life.
            if let Some(Err(error)) = end.run_until_cancelled(connection).await {
                tracing::debug!(%error, "the connection of a session broke off");
            }
            told.cancel();
        });
        Ok((Self { requests, closed }, closing.drop_guard()))
    }

    /// Waits until the connection is gone.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Whether the connection is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Calls a method, as `/package.Service/Method`.
    ///
    /// # Errors
    /// When the other side is gone, or metadata cannot be sent.
    pub async fn call(&self, method: &str, metadata: &[(&str, String)]) -> Result<Call> {
        let mut request = Request::post(format!("http://localhost{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(|_| Error::Unsendable(method.to_owned()))?;
        for (name, value) in metadata {
            let unsendable = || Error::Unsendable(value.clone());
            let key = HeaderName::try_from(*name).map_err(|_| unsendable())?;
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| unsendable())?;
            request.headers_mut().append(key, value);
        }
        let mut requests = self.requests.clone().ready().await?;
        let (answer, stream) = requests.send_request(request, false)?;
        Ok(Call {
            sending: Sending::new(stream),
            receiving: Receiving::of_answer(method.to_owned(), answer),
        })
    }

    /// Asks once and gets one answer.
    ///
    /// # Errors
    /// When the other side says so or leaves.
    pub async fn ask<M: Message + Default>(
        &self,
        method: &str,
        question: &impl Message,
    ) -> Result<M> {
        let mut call = self.call(method, &[]).await?;
        // A side that answers at once may have closed this way already: what it answers counts.
        if call.sending.send(question).await.is_ok() {
            let _ = call.sending.end();
        }
        let answer = call.receiving.next().await?;
        answer.ok_or_else(|| Error::Left(method.to_owned()))
    }
}
