//! A headless Chromium, spoken to by its own protocol (<https://chromedevtools.github.io/devtools-protocol/>) on pipes.
//!
//! What is needed of it is small, so this is a file and not a dependency: the crates for it carry the whole protocol.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Where browsers are, by the names that distributions give them.
const PROGRAMS: [&str; 4] = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"];

/// The longest that a browser takes to say the next thing: to start, on a host that forms clusters meanwhile.
const SILENCE: Duration = Duration::from_secs(60);

/// A browser with one page. It ends when this is dropped.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Vec<u8>>,
    next: u64,
    session: String,
    events: Vec<(String, Value)>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with an empty page, and takes note of everything it says.
    pub(crate) fn start() -> Self {
        let program = PROGRAMS
            .iter()
            .find_map(|name| which::which(name).ok())
            .expect("a Chromium in the PATH: run `make browser-tools`");
        let profile = tempfile::tempdir().expect("a folder");
        // Its protocol is on the descriptors 3 and 4. Only a shell puts them there without unsafe code.
        let mut child = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--mute-audio"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("a pipe");
        let mut pipe = BufReader::new(child.stdout.take().expect("a pipe"));
        let (said, from) = channel();
        // It ends with the browser, or when nobody listens.
        std::thread::spawn(move || {
            loop {
                let mut bytes = Vec::new();
                let whole = pipe.read_until(0, &mut bytes).is_ok() && bytes.pop() == Some(0);
                if !whole || said.send(bytes).is_err() {
                    return;
                }
            }
        });
        let (next, session, events) = (1, String::new(), Vec::new());
        let mut browser = Self { child, to, from, next, session, events, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One call of the protocol, and its result.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let text = format!("{message}\0");
        self.to.write_all(text.as_bytes()).expect("the browser listens");
        loop {
            let reply = self.read();
            if reply["id"] == id {
                assert!(reply["error"].is_null(), "{method}: {}", reply["error"]);
                return reply["result"].clone();
            }
        }
    }

    /// The next message. Events are kept.
    fn read(&mut self) -> Value {
        let last = || self.events.last().map_or("nothing", |(kind, _)| kind);
        let bytes = self.from.recv_timeout(SILENCE).unwrap_or_else(|error| {
            panic!("the browser has ended or is silent ({error}), last heard of it: {}; does it start by hand?", last())
        });
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        if let Some(method) = message["method"].as_str() {
            self.events.push((method.to_owned(), message["params"].clone()));
        }
        message
    }

    /// What was said of these kinds since the page was opened.
    pub(crate) fn events(&self, method: &str) -> Vec<&Value> {
        self.events.iter().filter(|(kind, _)| kind == method).map(|(_, params)| params).collect()
    }

    /// Opens a file, and waits until it is loaded.
    pub(crate) fn open(&mut self, path: &Path) {
        self.events.clear();
        let url = format!("file://{}", path.display());
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{opened}");
        while !self.events.iter().any(|(kind, _)| kind == "Page.loadEventFired") {
            self.read();
        }
    }

    /// The value of an expression in the page; of what it promises, where it does.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression:.200}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Text as the evaluated expression gives it.
    #[track_caller]
    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.evaluate(expression);
        value.as_str().map_or_else(|| panic!("{expression} is {value}"), str::to_owned)
    }

    /// Presses one key, as a person does.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { text };
        for kind in ["keyDown", "keyUp"] {
            let params = json!({"type": kind, "key": key, "text": if kind == "keyDown" { text } else { "" }, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// `light` or `dark`, as the person's system is.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// `print` or `screen`.
    pub(crate) fn medium(&mut self, medium: &str) {
        self.call("Emulation.setEmulatedMedia", json!({"media": medium}));
    }

    /// The width of the window.
    pub(crate) fn width(&mut self, width: u32) {
        let params = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// A picture of the whole page, as a file for a person.
    pub(crate) fn picture(&mut self, path: &Path) {
        let shot = self.call("Page.captureScreenshot", json!({"captureBeyondViewport": true, "format": "png"}));
        write(path, shot["data"].as_str().expect("a picture"));
    }

    /// The page as it is printed, as a PDF. Returns its size in bytes.
    pub(crate) fn print(&mut self, path: &Path) -> usize {
        let printed = self.call("Page.printToPDF", json!({"preferCSSPageSize": true, "printBackground": true}));
        write(path, printed["data"].as_str().expect("a document"))
    }
}

fn write(path: &Path, base64: &str) -> usize {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).expect("base64");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, &bytes).expect("written");
    bytes.len()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
