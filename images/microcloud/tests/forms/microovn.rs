//! The MicroOVN of each "member".

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the MicroOVNs are told, in order: the member, and the request.
pub(crate) type Told = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A MicroOVN that notes what it is told and says yes to everything.
pub(crate) fn serve(socket: &Path, member: String, told: Told) {
    let listener = UnixListener::bind(PathBuf::from(socket)).expect("a socket");
    std::thread::spawn(move || {
        let mut formed = false;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).expect("a request");
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).expect("a header");
                if header.trim().is_empty() {
                    break;
                }
                let (name, value) = header.split_once(':').expect("a header");
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let call = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
            let metadata = match call.as_str() {
                // It knows of no underlay.
                "GET /core/1.0" => json!({"ready": formed, "extensions": ["internal:runtime_extension_v1"]}),
                "POST /core/control" => {
                    formed = true;
                    json!({})
                }
                "POST /core/control/tokens" => json!(format!("a token for {}", body["name"])),
                _ => json!([]),
            };
            told.lock().expect("notes").push((member.clone(), call, body));
            let reply =
                json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", reply.len());
            let _ = reader.get_mut().write_all(format!("{head}{reply}").as_bytes());
        }
    });
}
