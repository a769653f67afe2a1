//! The WebSocket of an upgraded connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

pub(crate) use async_tungstenite::tungstenite::{Error as WebSocketError, Message};

/// A WebSocket of LXD.
pub(crate) type WebSocket = WebSocketStream<Compat<Patient>>;

/// Speaks WebSocket on a connection that LXD has upgraded.
pub(crate) async fn speak(connection: reqwest::Upgraded) -> WebSocket {
    WebSocketStream::from_raw_socket(Patient(connection).compat(), Role::Client, None).await
}

/// A connection on which what the other side will not read any more counts as written.
///
/// LXD closes a command's sockets right after its last output, and a ping that it sent before then finds nobody to
/// answer to. As an error, the failed answer would end the WebSocket before the output that is still there to be
/// read. Reading tells the end of a connection reliably; writing does not have to.
#[derive(Debug)]
pub(crate) struct Patient(reqwest::Upgraded);

fn written<T>(outcome: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
    match outcome {
        Poll::Ready(Err(error))
            if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
        {
            Poll::Ready(Ok(all))
        }
        other => other,
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        written(Pin::new(&mut self.0).poll_write(cx, buf), buf.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        written(Pin::new(&mut self.0).poll_flush(cx), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        written(Pin::new(&mut self.0).poll_shutdown(cx), ())
    }
}
