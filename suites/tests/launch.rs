//! What `make` starts the command with: it says what is compiled and for how long, and finds the program wherever cargo puts it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A workspace whose command says its arguments and ends with 3, and is not compiled before somebody writes to `gate`.
fn workspace(root: &Path) {
    let write = |path: &str, text: &str| fs::write(root.join(path), text).expect("written");
    fs::create_dir(root.join("src")).expect("a folder");
    write(
        "Cargo.toml",
        "[package]\nname = \"testkit\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[workspace]\n[[test]]\nname = \"init\"\npath = \"src/init.rs\"\n",
    );
    write("src/init.rs", "");
    write(
        "src/main.rs",
        "fn main() { println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>()); std::process::exit(3) }",
    );
    write(
        "build.rs",
        "fn main() { std::fs::read(\"gate\").unwrap(); println!(\"cargo::rerun-if-changed=build.rs\"); }",
    );
    assert!(Command::new("mkfifo").arg(root.join("gate")).status().expect("mkfifo runs").success());
}

fn launch(root: &Path) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../launch"));
    command.current_dir(root).args(["testkit", "a", "b c"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    // One of the ways in which cargo is told; an empty variable counts as not set.
    command.env("CARGO_TARGET_DIR", "").env("CARGO_BUILD_TARGET_DIR", root.join("elsewhere")).env("LAUNCH_EVERY", "1");
    command
}

#[test]
fn what_is_compiled_is_said_for_as_long_as_it_takes_and_nothing_where_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    workspace(folder.path());
    let mut child = launch(folder.path()).spawn().expect("bash runs");
    let (tell, told) = mpsc::channel();
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    std::thread::spawn(move || lines.for_each(|line| drop(tell.send(line))));
    // Silence ends, too.
    let mut lines = std::iter::from_fn(|| told.recv_timeout(Duration::from_secs(60)).ok());
    // Another cargo of this host may be in the way first.
    let first = lines.find(|line| line.contains("Compiling")).expect("a line");
    let (seconds, said) = first.trim().split_once(" s  ").expect("the seconds so far");
    assert!(seconds.parse::<u64>().is_ok() && said == "Compiling testkit v1.2.3", "{first}");
    let still = lines.next();
    fs::write(folder.path().join("gate"), "").expect("opened");
    let still = still.expect("another line meanwhile");
    assert!(still.ends_with(" s  still compiling; last begun: testkit v1.2.3"), "{still}");
    assert!(lines.all(|line| line.contains(" s  ")), "something else was said");
    let mut printed = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut printed).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), printed.as_str()), (Some(3), "[\"a\", \"b c\"]\n"));

    let again = launch(folder.path()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    let in_the_way = |line: &str| line.contains("waiting for file lock");
    assert!(again.status.code() == Some(3) && said.lines().all(in_the_way), "{said}");
}

#[test]
fn what_does_not_compile_is_told_as_cargo_tells_it() {
    let folder = tempfile::tempdir().expect("a folder");
    workspace(folder.path());
    fs::remove_file(folder.path().join("build.rs")).expect("removed");
    fs::write(folder.path().join("src/main.rs"), "fn main() { nothing }").expect("written");
    let output = launch(folder.path()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(101) && said.contains("cannot find value `nothing`"), "{said}");
}
