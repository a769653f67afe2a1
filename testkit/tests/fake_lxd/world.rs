//! A fake LXD of a release that has objects: they can be made, read, changed and deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::release::{Release, answer, error_within, id};
use super::{Act, FakeLxd};

/// What there is, by kind and name: `networks`, `n`. Shared with the fake that serves it.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<Objects>>);

pub(crate) struct Objects {
    release: Release,
    all: BTreeMap<(String, String), Value>,
    /// What fails, how, and how often: `POST networks`.
    failing: BTreeMap<String, Failing>,
    /// What was asked to be changed, in order, with its body.
    changes: Vec<(String, Value)>,
    /// The operations that ended, by number: what they were about and how they failed.
    ended: Vec<(String, Option<(u16, String)>)>,
    /// The operations that `GET /1.0/operations` shows as running.
    running: Vec<Value>,
    /// How often it still shows them; an instance `a` is there then.
    looks: Option<usize>,
}

/// How a call fails.
#[derive(Clone)]
struct Failing {
    code: u16,
    text: String,
    /// With what status the object is left.
    left: Option<&'static str>,
    /// How often; always, where that is not said.
    times: Option<usize>,
}

impl World {
    pub(crate) fn new(release: Release) -> World {
        let (all, failing) = (BTreeMap::new(), BTreeMap::new());
        World(Arc::new(Mutex::new(Objects {
            release,
            all,
            failing,
            changes: Vec::new(),
            ended: Vec::new(),
            running: Vec::new(),
            looks: None,
        })))
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().expect("objects")
    }

    /// Has this call fail, with what status the object is left.
    pub(crate) fn fail(&self, call: &str, code: u16, text: &str, left: Option<&'static str>) {
        let failing = Failing { code, text: text.to_owned(), left, times: None };
        self.objects().failing.insert(call.to_owned(), failing);
    }

    /// Has this call fail so often.
    pub(crate) fn fail_for_a_while(&self, call: &str, times: usize, code: u16, text: &str) {
        let failing = Failing { code, text: text.to_owned(), left: None, times: Some(times) };
        self.objects().failing.insert(call.to_owned(), failing);
    }

    /// Has all calls work again.
    pub(crate) fn mend(&self) {
        self.objects().failing.clear();
    }

    pub(crate) fn put(&self, kind: &str, name: &str, object: Value) {
        self.objects().all.insert((kind.to_owned(), name.to_owned()), object);
    }

    pub(crate) fn remove(&self, kind: &str, name: &str) {
        self.objects().all.remove(&(kind.to_owned(), name.to_owned()));
    }

    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<Value> {
        self.objects().all.get(&(kind.to_owned(), name.to_owned())).cloned()
    }

    /// Everything that there is, as `kind/name`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.objects().all.keys().map(|(kind, name)| format!("{kind}/{name}")).collect()
    }

    /// The bodies of the requests that began so: `POST instances`.
    pub(crate) fn asked(&self, call: &str) -> Vec<Value> {
        let objects = self.objects();
        objects.changes.iter().filter(|(line, _)| line == call).map(|(_, body)| body.clone()).collect()
    }

    /// Shows an operation at work on the entity at this URL, of this class; none for an empty URL.
    pub(crate) fn work_on(&self, url: &str, class: &str) {
        let mut objects = self.objects();
        objects.running.clear();
        if !url.is_empty() {
            let mut operation = objects.release.operation(0, url, ("Running", 103), "");
            operation["class"] = json!(class);
            objects.running.push(operation);
        }
    }

    /// Shows an instance `a` being made for so many looks, whose URL this is. Then it is there.
    pub(crate) fn make_for_a_while(&self, url: &str, looks: usize) {
        self.work_on(url, "task");
        self.objects().looks = Some(looks);
    }

    pub(crate) fn serve(&self) -> FakeLxd {
        let world = self.clone();
        FakeLxd::start(move |line, body, _| world.objects().act(line, body))
    }
}

impl Objects {
    fn act(&mut self, line: &str, body: &[u8]) -> Act {
        let (verb, url) = line.split_once(' ').expect("a request line");
        let path = url.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.trim_start_matches("/1.0").trim_matches('/').split('/').collect();
        match (verb, &segments[..]) {
            ("GET", [""]) => self.release.server(),
            ("GET", ["operations"]) => {
                if self.looks == Some(0) {
                    self.running.clear();
                    self.looks = None;
                    self.make("instances", "a", &json!({"name": "a", "type": "container"}));
                }
                self.looks = self.looks.map(|looks| looks - 1);
                answer(&json!({"running": self.running}))
            }
            ("GET", ["operations", operation, "wait"]) => {
                let number = usize::from_str_radix(&operation[..8], 16).expect("a number");
                let (url, failed) = &self.ended[number];
                self.release.waited(number, url, failed.as_ref())
            }
            ("GET", ["operations", operation]) => error_within(404, 404, &format!("no {operation} {}", id(0))),
            ("GET", ["storage-pools", _, "resources"]) => answer(&json!({"space": {"used": 0, "total": 1_u64 << 40}})),
            ("GET", [kind]) => {
                let all = self.all.iter().filter(|((other, _), _)| other == kind).map(|(_, object)| object.clone());
                answer(&Value::Array(all.collect()))
            }
            ("GET", [kind, name] | ["images", kind @ "aliases", name]) => self.show(kind, name),
            (verb, [kind]) => self.change(verb, kind, None, body),
            (verb, [kind, name] | [kind, name, "state"]) => self.change(verb, kind, Some(name), body),
            _ => error_within(404, 404, "not found"),
        }
    }

    fn show(&self, kind: &str, name: &str) -> Act {
        match self.all.get(&(kind.to_owned(), name.to_owned())) {
            None => error_within(404, 404, "Failed loading it: it was not found"),
            Some(object) => {
                let Act::Answer(status, _, body) = answer(object) else { unreachable!("an answer") };
                // Like LXD's, another one when the object is.
                let etag: String = object.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
                Act::Answer(status, Box::leak(format!("ETag: \"{etag}\"\r\n").into_boxed_str()), body)
            }
        }
    }

    fn change(&mut self, verb: &str, kind: &str, name: Option<&str>, body: &[u8]) -> Act {
        let call = format!("{verb} {kind}");
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        self.changes.push((call.clone(), body.clone()));
        let name = name.or_else(|| body["name"].as_str()).unwrap_or_default().to_owned();
        let url = format!("/1.0/{kind}/{name}?project=p");
        let failing = self.failing.get_mut(&call).filter(|failing| failing.times != Some(0)).map(|failing| {
            failing.times = failing.times.map(|times| times - 1);
            failing.clone()
        });
        let outcome = match failing {
            Some(Failing { code, text, left, .. }) => {
                if let Some(left) = left {
                    self.make(kind, &name, &body);
                    self.all.get_mut(&(kind.to_owned(), name)).expect("made")["status"] = json!(left);
                }
                Err((code, text))
            }
            None => self.apply(verb, kind, &name, &body),
        };
        // What cannot be there at all is refused at once by all.
        let at_once = matches!(outcome, Err((404, _)));
        if self.release.is_operation(verb, kind) && !at_once {
            self.ended.push((url.clone(), outcome.err()));
            return self.release.accepted(self.ended.len() - 1, &url);
        }
        match outcome {
            Ok(()) => answer(&json!({})),
            Err((code, text)) => error_within(code, code, &text),
        }
    }

    fn apply(&mut self, verb: &str, kind: &str, name: &str, body: &Value) -> Result<(), (u16, String)> {
        let key = (kind.to_owned(), name.to_owned());
        match (verb, self.all.get_mut(&key)) {
            ("POST", Some(_)) => {
                Err((if kind == "networks" { 400 } else { 409 }, format!("The {name} already exists")))
            }
            ("POST", None) => {
                self.make(kind, name, body);
                Ok(())
            }
            (_, None) => Err((404, "Failed loading it: it was not found".to_owned())),
            ("DELETE", Some(object)) if kind == "instances" && object["status"] == "Running" => {
                Err((400, "Instance is running".to_owned()))
            }
            ("DELETE", Some(_)) => {
                self.all.remove(&key);
                Ok(())
            }
            ("PUT", Some(object)) if body["action"] == "stop" => {
                object["status"] = json!("Stopped");
                Ok(())
            }
            ("PUT", Some(object)) if body["action"] == "start" => {
                object["status"] = json!("Running");
                Ok(())
            }
            (verb, Some(object)) => {
                let given = body["config"].as_object().cloned().unwrap_or_default();
                let config = object["config"].as_object_mut().expect("a configuration");
                if verb == "PUT" {
                    config.clear();
                }
                config.extend(given);
                // An empty value removes a key.
                config.retain(|_, value| *value != json!(""));
                Ok(())
            }
        }
    }

    fn make(&mut self, kind: &str, name: &str, body: &Value) {
        let mut object = body.clone();
        let status = if kind == "instances" { "Stopped" } else { "Created" };
        object["status"] = json!(status);
        object["managed"] = json!(true);
        for field in ["config", "devices"] {
            if !object[field].is_object() {
                object[field] = json!({});
            }
        }
        if body["source"]["type"] == "copy" && self.release != Release::V6_9 {
            let source = body["source"]["source"].as_str().unwrap_or_default().to_owned();
            let source = self.all[&("instances".to_owned(), source)].clone();
            for field in ["config", "devices"] {
                for (key, value) in source[field].as_object().expect("a map") {
                    if object[field].get(key).is_none() {
                        object[field][key] = value.clone();
                    }
                }
            }
        }
        self.all.insert((kind.to_owned(), name.to_owned()), object);
    }
}
