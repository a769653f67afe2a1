//! Images of image servers: pulled once, tagged if nobody had them before, and one clear error where the server is at fault.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use testkit::config::ImageServer;
use testkit::image::{Error, Late, Named, find_or_pull_within};
use testkit::lxd::{ImageRef, PullPatience};

use crate::chain;
use crate::fake_lxd::{Act, FakeLxd, OPERATION, accepted, operation, refusal, sync};

/// Far longer than anything here takes, also on a host that is busy with other tests.
const PATIENCE: PullPatience = PullPatience { deadline: Duration::from_secs(120), silence: Duration::from_secs(120) };

/// How long a server may be silent where it matters. What is said before that has so long to be heard.
const SILENCE: Duration = Duration::from_secs(10);

/// Between two answers to whoever waits for a pull.
const LOOK: Duration = Duration::from_millis(100);

/// What an LXD has, and what it was asked to change.
#[derive(Default)]
struct Has {
    images: Vec<Value>,
    aliases: Vec<String>,
    asked: Vec<(String, Value)>,
}

/// An LXD that has these images, and whose pulls are in this state at every look.
fn serve(images: Vec<Value>, pull: String) -> (FakeLxd, Arc<Mutex<Has>>) {
    let has = Arc::new(Mutex::new(Has { images, ..Has::default() }));
    let shared = Arc::clone(&has);
    let fake = FakeLxd::serve_bodies(move |line, body, _| {
        let mut has = shared.lock().expect("objects");
        let (verb, path) = line.split_once(' ').expect("a request line");
        if verb != "GET" {
            has.asked.push((line.to_owned(), serde_json::from_slice(body).unwrap_or_default()));
        }
        let wait = format!("/1.0/operations/{OPERATION}/wait");
        match (verb, path.split('?').next().unwrap_or_default()) {
            ("POST", "/1.0/images") => accepted("null"),
            ("GET", path) if path == wait => Act::Later(LOOK, Box::new(sync(&pull))),
            ("GET", "/1.0/images") => sync(&Value::from(has.images.clone()).to_string()),
            ("GET", path) if path.starts_with("/1.0/images/aliases/") => {
                let name = path.rsplit_once("aliases/").map_or("", |(_, name)| name).replace("%2F", "/");
                let there = has.aliases.contains(&name);
                let alias = json!({"name": name, "target": "new"});
                if there { sync(&alias.to_string()) } else { refusal(404, "not found") }
            }
            ("GET", "/1.0/images/new") => sync(r#"{"fingerprint": "new"}"#),
            ("POST", "/1.0/images/aliases") => {
                let body: Value = serde_json::from_slice(body).expect("JSON");
                has.aliases.push(body["name"].as_str().expect("a name").to_owned());
                sync("{}")
            }
            _ => sync("{}"),
        }
    });
    (fake, has)
}

fn brought(fingerprint: &str) -> String {
    operation("Success", 200, &format!(r#"{{"fingerprint": "{fingerprint}", "size": "1"}}"#), "")
}

async fn find(fake: &FakeLxd, cache: &Path, patience: PullPatience) -> Result<ImageRef, Error> {
    let server = ImageServer { url: "https://mirror.example".to_owned(), certificate: None };
    let named = Named { name: "ubuntu:24.04", server: Some(&server), cache };
    find_or_pull_within(&fake.client().await, &named, patience, &mut |_| {}).await
}

fn asked(has: &Mutex<Has>) -> Vec<String> {
    has.lock().expect("objects").asked.iter().map(|(line, _)| line.clone()).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("a folder").next().is_none()
}

#[tokio::test]
async fn an_image_is_pulled_once_tagged_and_named() {
    let cache = tempfile::tempdir().expect("a folder");
    let (fake, has) = serve(Vec::new(), brought("new"));
    let kept = ImageRef::Alias("testkit/ubuntu/24.04".to_owned());
    assert_eq!(find(&fake, cache.path(), PATIENCE).await.expect("pulled"), kept);
    assert_eq!(asked(&has), ["POST /1.0/images", "PATCH /1.0/images/new", "POST /1.0/images/aliases"]);
    let source = has.lock().expect("objects").asked[0].1["source"].clone();
    let wanted = json!({"type": "image", "mode": "pull", "server": "https://mirror.example",
        "protocol": "simplestreams", "alias": "24.04", "image_type": "container"});
    assert_eq!(source, wanted);
    let properties = has.lock().expect("objects").asked[1].1.clone();
    assert_eq!(properties, json!({"properties": {"user.testkit.owner": "microovn-testkit"}}));
    assert!(is_empty(cache.path()), "a note stays");
    assert_eq!(find(&fake, cache.path(), PATIENCE).await.expect("there"), kept);
    assert_eq!(fake.count("POST /1.0/images"), 2, "pulled or named again");
}

#[rstest]
#[case::by_another_name(json!({"fingerprint": "new"}), 1)]
#[case::by_that_name(
    json!({"fingerprint": "new", "update_source": {"server": "https://mirror.example/", "alias": "24.04"}}), 0
)]
#[tokio::test]
async fn what_a_person_has_is_used_and_stays_as_it_is(#[case] theirs: Value, #[case] pulls: usize) {
    let cache = tempfile::tempdir().expect("a folder");
    let (fake, has) = serve(vec![theirs], brought("new"));
    let found = find(&fake, cache.path(), PATIENCE).await.expect("found");
    assert_eq!(found, ImageRef::Fingerprint("new".to_owned()));
    assert_eq!(asked(&has).len(), pulls, "{:?}", asked(&has));
    assert!(is_empty(cache.path()), "a note stays");
}

#[rstest]
#[case::unknown_alias(
    "Failed getting remote image info: Failed getting image: The requested image couldn't be found",
    "https://mirror.example has no image \"24.04\" of containers for the architecture of the LXD host; `lxc image list ubuntu:` shows"
)]
#[case::broken_index(
    "Failed getting image: Failed parsing stream: Failed decoding stream JSON from index.json: unexpected end of JSON input",
    "what https://mirror.example says that it has cannot be read; use another server, or wait until"
)]
#[case::wrong_fingerprint(
    "Hash mismatch for https://mirror.example/a.squashfs: 1 != 2",
    "what https://mirror.example sends is not what it says it has; try again later"
)]
#[case::unreachable(
    "Failed getting image: Failed parsing stream: Get https://mirror.example: dial tcp: lookup mirror.example: no such host",
    "the LXD host cannot fetch it from https://mirror.example; check that it reaches"
)]
#[tokio::test]
async fn a_server_at_fault_is_one_clear_error(#[case] words: &str, #[case] says: &str) {
    let cache = tempfile::tempdir().expect("a folder");
    let (fake, has) = serve(Vec::new(), operation("Failure", 400, "null", words));
    let error = find(&fake, cache.path(), PATIENCE).await.expect_err("refused");
    let said = chain(&error);
    assert!(said.starts_with(&format!("failed to pull image \"ubuntu:24.04\": {says}")), "{said}");
    assert!(error.is_usage() && said.contains(words), "{said}");
    assert_eq!(asked(&has), ["POST /1.0/images"], "something was made");
    assert!(is_empty(cache.path()), "a note stays");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_what_it_sends_later_is_ours() {
    let cache = tempfile::tempdir().expect("a folder");
    let hanging = operation("Running", 103, r#"{"download_progress": "rootfs: 12% (3.4MB/s)"}"#, "");
    let (fake, has) = serve(vec![json!({"fingerprint": "old"})], hanging);
    let patience = PullPatience { silence: SILENCE, ..PATIENCE };
    let error = find(&fake, cache.path(), patience).await.expect_err("given up");
    let said = chain(&error);
    assert!(
        said.contains("https://mirror.example does not go on sending; see whether the LXD host reaches it"),
        "{said}"
    );
    assert!(error.is_usage() && said.contains("last seen: rootfs: 12%"), "{said}");
    let cancel = format!("DELETE /1.0/operations/{OPERATION}");
    assert_eq!(asked(&has), ["POST /1.0/images", &cancel], "not told to end, or something was made");

    let late = json!({"fingerprint": "new", "update_source": {"server": "https://mirror.example", "alias": "24.04"}});
    has.lock().expect("objects").images.push(late);
    let images = fake.client().await.list_images().await.expect("listed");
    let late = Late::among(&images, cache.path()).expect("read");
    assert_eq!((late.has("new"), late.has("old")), (true, false));
    let found = find(&fake, cache.path(), patience).await.expect("it is there");
    assert_eq!(found, ImageRef::Alias("testkit/ubuntu/24.04".to_owned()));
    assert_eq!(asked(&has)[2..], ["PATCH /1.0/images/new", "POST /1.0/images/aliases"], "pulled again, or not tagged");
    assert!(is_empty(cache.path()), "a note stays");
}

/// As long as something comes, however slow, it is waited for.
#[tokio::test]
async fn a_server_that_is_slow_is_waited_for() {
    let cache = tempfile::tempdir().expect("a folder");
    let (looks, begun) = (Mutex::new(0), Instant::now());
    let fake = FakeLxd::serve(move |line, _| {
        if line.contains("/wait") {
            let mut looks = looks.lock().expect("a number");
            *looks += 1;
            let progress = format!(r#"{{"download_progress": "rootfs: {looks} bytes"}}"#);
            // All of it takes longer than a server may be silent.
            let whole = begun.elapsed() > SILENCE + SILENCE / 4;
            let pull = if whole { brought("new") } else { operation("Running", 103, &progress, "") };
            return Act::Later(LOOK, Box::new(sync(&pull)));
        }
        match line {
            "POST /1.0/images" => accepted("null"),
            "GET /1.0/images?recursion=1" => sync("[]"),
            line if line.starts_with("GET /1.0/images/") => refusal(404, "not found"),
            _ => Act::Answer(200, "", r#"{"type":"sync","metadata":{}}"#.to_owned()),
        }
    });
    let patience = PullPatience { silence: SILENCE, ..PATIENCE };
    find(&fake, cache.path(), patience).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
}
