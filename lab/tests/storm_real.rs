//! A short storm: runs on the real LXD, each ended in another way at a random moment, and nothing of them stays.
//! `make storm` is the long one.

use std::process::Command;

/// One of each kind, but for what becomes of LXD and its pool, which other tests use meanwhile.
const KILLS: &str = "8";

#[test]
fn nothing_stays_of_runs_that_were_killed() {
    // Another moment every day, and the same one for all who look into a failure of today.
    let day = jiff::Timestamp::now().as_second() / 86_400;
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    // The inner runners are not part of the outer one's run.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
    }
    let seed = day.to_string();
    let output = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["storm", "--kills", KILLS, "--seed", &seed, "--beside-others"])
        .output()
        .expect("lab runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "seed {seed}:\n{said}");
    assert!(said.contains(&format!("{KILLS} runs attacked, 0 leaks")) && said.contains("untouched"), "{said}");
}
