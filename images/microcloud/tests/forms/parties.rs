//! The parties of a conversation: a stand-in each on a terminal of its own, answered by the framework.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use testkit::microcloud::{Conversation, ConversationError, Part, Secrets};

/// A party says something at least so often.
const SILENCE: Duration = Duration::from_secs(60);

/// So long after what it said last, a party has said all of it, also on a host that is busy with other tests.
const HESITATION: Duration = Duration::from_secs(10);

struct Party {
    talk: Conversation,
    child: Child,
    open: bool,
}

/// Has every party play its part on a terminal, by what `script` makes of a member's name; what each said.
pub(crate) fn play(
    parts: Vec<Part>,
    script: impl Fn(&str) -> Command,
) -> Result<Vec<String>, (String, Box<ConversationError>)> {
    let names: Vec<String> = parts.iter().map(|part| part.member.clone()).collect();
    let mut parties: Vec<Party> = parts
        .into_iter()
        .map(|part| {
            let words = part.program[1..].join(" ");
            let shell =
                format!("stty columns 400 rows 100; exec {} {words}", env!("CARGO_BIN_EXE_microcloud-stand-in"));
            let mut command = script(&part.member);
            command.args(["--quiet", "--flush", "--return", "--echo=always", "--command", &shell, "/dev/null"]);
            let child = command.env("SHELL", "/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            Party { talk: Conversation::new(part), child: child.expect("script is installed"), open: true }
        })
        .collect();
    let (said, heard) = channel();
    for (n, party) in parties.iter_mut().enumerate() {
        let (mut output, said) = (party.child.stdout.take().expect("a pipe"), said.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = output.read(&mut bytes) {
                if said.send((n, bytes[..length].to_vec())).is_err() || length == 0 {
                    return;
                }
            }
        });
    }
    let mut secrets = Secrets::default();
    let spoken = match answer(&mut parties, &heard, &mut secrets) {
        // Whichever is heard of first: others end when the first does, which is the one that says why.
        Err((n, error)) if n > 0 => {
            Err(last_words(&mut parties[0], &heard, &mut secrets).map_or((n, error), |why| (0, why)))
        }
        spoken => spoken,
    };
    let logs = parties.iter().map(|party| party.talk.log(&secrets)).collect();
    for party in &mut parties {
        // Whoever is left waits for somebody who ended.
        let _ = party.child.kill().and_then(|()| party.child.wait());
    }
    spoken.map(|()| logs).map_err(|(n, error)| (names[n].clone(), error))
}

/// Answers all parties until all have ended.
fn answer(
    parties: &mut [Party],
    heard: &Receiver<(usize, Vec<u8>)>,
    secrets: &mut Secrets,
) -> Result<(), (usize, Box<ConversationError>)> {
    while parties.iter().any(|party| party.open) {
        let Ok((n, bytes)) = heard.recv_timeout(HESITATION) else {
            let strange = parties.iter().enumerate().filter(|(_, party)| party.open);
            match strange.filter_map(|(n, party)| Some((n, party.talk.find_unanswered(secrets)?))).next() {
                Some(strange) => return Err(strange),
                None => match heard.recv_timeout(SILENCE) {
                    Ok((n, bytes)) => {
                        take(parties, n, &bytes, secrets)?;
                        continue;
                    }
                    Err(_) => return Err((0, parties[0].talk.on_silence(secrets))),
                },
            }
        };
        take(parties, n, &bytes, secrets)?;
    }
    Ok(())
}

/// Why the first party fails, if it is about to.
fn last_words(
    first: &mut Party,
    heard: &Receiver<(usize, Vec<u8>)>,
    secrets: &mut Secrets,
) -> Option<Box<ConversationError>> {
    while first.open {
        let (n, bytes) = heard.recv_timeout(HESITATION).ok()?;
        if n == 0 && bytes.is_empty() {
            first.open = false;
            let code = first.child.wait().expect("its end").code().unwrap_or(-1);
            return first.talk.on_end(code, secrets).err();
        }
        if n == 0 {
            first.talk.read(&bytes, secrets);
        }
    }
    None
}

fn take(
    parties: &mut [Party],
    n: usize,
    bytes: &[u8],
    secrets: &mut Secrets,
) -> Result<(), (usize, Box<ConversationError>)> {
    if bytes.is_empty() {
        parties[n].open = false;
        let code = parties[n].child.wait().expect("its end").code().unwrap_or(-1);
        parties[n].talk.on_end(code, secrets).map_err(|error| (n, error))?;
    }
    parties[n].talk.read(bytes, secrets);
    for (n, party) in parties.iter_mut().enumerate().filter(|(_, party)| party.open) {
        if let Some(typed) = party.talk.act(secrets).map_err(|error| (n, error))? {
            let input = party.child.stdin.as_mut().expect("a pipe");
            let _ = input.write_all(typed.bytes()).and_then(|()| input.flush());
        }
    }
    Ok(())
}
