//! A fake LXD on a Unix socket that answers from a script: a scenario says what each request gets.

pub(crate) mod release;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use sha1::{Digest, Sha1};
use testkit::lxd::{Client, Endpoint, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// The operation that the scenarios speak of.
pub(crate) const OPERATION: &str = "7d44ba33-54b1-4f4c-8d5e-4ae38b9b3fd1";

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Act {
    /// A whole HTTP answer: status, additional header lines, body.
    Answer(u16, &'static str, String),
    /// The first bytes of an answer that announces more, then the end of the connection.
    CutBody,
    /// The end of the connection instead of an answer.
    Hangup,
    /// Nothing, while the connection stays open.
    Silence,
    /// The same after a while, as whoever waits for an operation is answered.
    Later(Duration, Box<Act>),
    /// A WebSocket that sends these frames and then does as told.
    WebSocket(Vec<Vec<u8>>, Then),
}

/// What a WebSocket does after its frames.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Ends the connection without a closing handshake.
    Cut,
    /// Stays open and silent.
    Stay,
}

/// From the request's first line, its body, and how often exactly that line came before.
type Script = dyn Fn(&str, &[u8], usize) -> Act + Send + Sync;

/// The fake. It ends with the test's runtime.
pub(crate) struct FakeLxd {
    _dir: tempfile::TempDir,
    pub(crate) socket: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl FakeLxd {
    /// Serves `script`, which gets `METHOD path?query` and how often exactly that was asked before. `GET /1.0` is
    /// always answered well.
    pub(crate) fn serve(script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> FakeLxd {
        Self::serve_bodies(move |line, _, before| script(line, before))
    }

    /// Serves a script that also gets the request's body.
    pub(crate) fn serve_bodies(script: impl Fn(&str, &[u8], usize) -> Act + Send + Sync + 'static) -> FakeLxd {
        Self::start(move |line, body, before| match line {
            "GET /1.0" => {
                sync(r#"{"auth":"trusted","api_extensions":["etag"],"environment":{"server_version":"5.0.2"}}"#)
            }
            _ => script(line, body, before),
        })
    }

    fn start(script: impl Fn(&str, &[u8], usize) -> Act + Send + Sync + 'static) -> FakeLxd {
        let dir = tempfile::tempdir().expect("directory");
        let socket = dir.path().join("lxd.socket");
        let listener = UnixListener::bind(&socket).expect("socket");
        let (seen, heads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let script: Arc<Script> = Arc::new(script);
        let (record, all) = (Arc::clone(&seen), Arc::clone(&heads));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Like LXD, which looks at the first bytes of a connection before it takes the next.
                let _ = stream.readable().await;
                tokio::spawn(connection(stream, Arc::clone(&script), Arc::clone(&record), Arc::clone(&all)));
            }
        });
        FakeLxd { _dir: dir, socket, seen, heads }
    }

    /// Serves a script that is also asked for `GET /1.0`.
    pub(crate) fn serve_whole(script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> FakeLxd {
        Self::start(move |line, _, before| script(line, before))
    }

    pub(crate) async fn connect(&self) -> Result<Client, Error> {
        Client::connect(&Endpoint::Unix(self.socket.clone())).await
    }

    pub(crate) async fn client(&self) -> Client {
        self.connect().await.expect("the fake answers")
    }

    /// The headers, by their names in small letters, of the request that began with this.
    pub(crate) fn headers(&self, beginning: &str) -> BTreeMap<String, String> {
        let heads = self.heads.lock().expect("record");
        let head = heads.iter().find(|head| head.starts_with(beginning)).expect("such a request");
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect()
    }

    /// How many requests began with this.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        self.seen.lock().expect("record").iter().filter(|line| line.starts_with(beginning)).count()
    }
}

/// A synchronous answer.
pub(crate) fn sync(metadata: &str) -> Act {
    Act::Answer(200, "", format!(r#"{{"type":"sync","status":"Success","status_code":200,"metadata":{metadata}}}"#))
}

/// An error answer.
pub(crate) fn refusal(code: u16, text: &str) -> Act {
    Act::Answer(code, "", format!(r#"{{"type":"error","error":"{text}","error_code":{code},"metadata":null}}"#))
}

/// The operation in a state.
pub(crate) fn operation(status: &str, code: u16, metadata: &str, err: &str) -> String {
    format!(
        r#"{{"id":"{OPERATION}","class":"task","description":"Creating instance","status":"{status}",
        "status_code":{code},"resources":null,"metadata":{metadata},"may_cancel":false,"err":"{err}"}}"#
    )
}

/// The acceptance of the operation, as a member of a cluster words it.
pub(crate) fn accepted(metadata: &str) -> Act {
    let body = operation("Running", 103, metadata, "");
    Act::Answer(
        202,
        "",
        format!(r#"{{"type":"async","operation":"/1.0/operations/{OPERATION}?project=p","metadata":{body}}}"#),
    )
}

/// An unmasked WebSocket frame: 1 is text, 2 binary, 8 close.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend(u16::try_from(payload.len()).expect("a short payload").to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

async fn connection(
    mut stream: UnixStream,
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_request(&mut stream, &mut buffer).await {
        heads.lock().expect("record").push(head.clone());
        let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        let before = {
            let mut seen = seen.lock().expect("record");
            let before = seen.iter().filter(|other| **other == line).count();
            seen.push(line.clone());
            before
        };
        let mut act = script(&line, &body, before);
        while let Act::Later(pause, then) = act {
            tokio::time::sleep(pause).await;
            act = *then;
        }
        match act {
            Act::Answer(status, headers, body) => {
                let length = body.len();
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Act::CutBody => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"type\":\"sy").await;
                return;
            }
            Act::Hangup => return,
            Act::Silence => std::future::pending().await,
            Act::Later(..) => unreachable!("it is over"),
            Act::WebSocket(frames, then) => {
                let told = websocket(stream, &head, frames, then).await;
                return seen.lock().expect("record").extend(told);
            }
        }
    }
}

/// Reads one request and returns its head and body.
async fn read_request(stream: &mut UnixStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = buffer.drain(..end + 4 + length).skip(end + 4).collect();
                return Some((head, body));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

/// Speaks as told; returns the first text that the client sent, once it has gone.
async fn websocket(mut stream: UnixStream, head: &str, frames: Vec<Vec<u8>>, then: Then) -> Option<String> {
    let key = header(head, "sec-websocket-key").expect("a WebSocket handshake");
    let accept = accept_key(&key);
    let answer = format!(
        "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let mut bytes = answer.into_bytes();
    bytes.extend(frames.concat());
    if stream.write_all(&bytes).await.is_ok() && matches!(then, Then::Stay) {
        // Takes what the client sends until it goes.
        let mut sink = Vec::new();
        let _ = stream.read_to_end(&mut sink).await;
        return first_text(&sink);
    }
    None
}

/// The first of a client's frames, if it is a short text: RFC 6455, 5.2.
fn first_text(bytes: &[u8]) -> Option<String> {
    let [0x81, length, a, b, c, d, payload @ ..] = bytes else { return None };
    let payload = payload.get(..usize::from(length & 0x7f))?;
    let text = payload.iter().zip([a, b, c, d].into_iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    String::from_utf8(text).ok()
}

/// RFC 6455, 4.2.2: the proof that the server understood the handshake.
fn accept_key(key: &str) -> String {
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    base64::engine::general_purpose::STANDARD.encode(digest)
}
