//! Handing a member an authority by `microovn certificates set-ca`, rightly or wrongly.

use std::time::Duration;

use super::ClusterError;
use super::authority::Authority;
use super::station::Stopped;
use crate::journey::{Handed, OFFERED_CERTIFICATE, OFFERED_KEY, Offer, Station, What};
use crate::lxd::{Client, Exec, FileSpec};
use crate::plan::{State, Turnover};
use crate::report::chain;

/// Runs `set-ca` with the arguments behind the two files, which go afterwards, and shows what the daemon had to say against it: of a
/// refusal by the daemon the command itself says nothing, and its last line has no end.
const SCRIPT: &str = r#"
LC_ALL=C
since=@$EPOCHREALTIME
microovn certificates set-ca "${@:3}"
code=$?
exec </dev/null
rm -f -- "$1" "$2"
echo
journalctl --sync
journalctl --quiet --unit=snap.microovn.daemon.service --since="$since" --output=cat --no-pager |
    while IFS= read -r line; do case $line in *" level=error "*) printf "%s\n" "$line" ;; esac; done
exit $code
"#;

/// What is put on the member and typed there.
#[derive(Debug, PartialEq, Eq, Default)]
struct Typed {
    certificate: Option<String>,
    key: Option<String>,
    input: String,
    arguments: Vec<&'static str>,
}

impl Typed {
    fn new(Authority { certificate, key }: Authority, handed: Handed) -> Self {
        const CERTIFICATE: [&str; 2] = ["--cert", OFFERED_CERTIFICATE];
        const KEY: [&str; 2] = ["--key", OFFERED_KEY];
        let files = [CERTIFICATE, KEY].concat();
        let combined = |input: String| Self { input, arguments: vec!["--combined"], ..Self::default() };
        match handed {
            Handed::Combined => combined(certificate + &key),
            Handed::KeyFirst => combined(key + &certificate),
            Handed::EmptyInput => combined(String::new()),
            Handed::GarbageInput => combined("hello\n".to_owned()),
            Handed::KeyInput => combined(key),
            Handed::CertificateInput => combined(certificate),
            Handed::Nothing => Self::default(),
            Handed::CertificateAlone => {
                Self { certificate: Some(certificate), arguments: CERTIFICATE.into(), ..Self::default() }
            }
            Handed::FileAndInput => Self {
                certificate: Some(certificate.clone()),
                arguments: [&["--combined"], &CERTIFICATE[..]].concat(),
                ..combined(certificate + &key)
            },
            Handed::NoSuchFile => Self { key: Some(key), arguments: files, ..Self::default() },
            Handed::Files
            | Handed::OtherKey
            | Handed::NoAuthority
            | Handed::NoSigner
            | Handed::Garbage
            | Handed::Empty
            | Handed::EncryptedKey => {
                Self { certificate: Some(certificate), key: Some(key), arguments: files, ..Self::default() }
            }
        }
    }
}

/// A station with the certificate of its authority, of which the plan knows only the kind: it is made now where the step gives the
/// cluster another, and otherwise that of the state before.
///
/// # Errors
/// When it cannot be made.
pub(super) async fn with_authority(
    from: &State,
    mut station: Station,
) -> Result<(Station, Option<Authority>), Box<Stopped>> {
    let gives = station.state.since.as_ref().is_some_and(|changes| changes.authority == Turnover::Fresh);
    let offered = station.acts.iter().find_map(|act| match &act.what {
        What::Offer(offer) if gives => Some(offer.authority.clone()),
        _ => None,
    });
    let made = match offered {
        Some(wanted) => Some(Authority::make_aside(wanted).await.map_err(|error| {
            let (at, station, why) = (station.number, station.test(), chain(&error));
            Box::new(Stopped { at, station, why, acts: Vec::new(), watched: Vec::new() })
        })?),
        None => None,
    };
    if let Some(drawn) = station.state.user_ca.as_mut().filter(|drawn| drawn.certificate.is_empty()) {
        let before = from.user_ca.as_ref().map(|before| &before.certificate);
        let certificate = made.as_ref().map(|made| &made.certificate).or(before);
        drawn.certificate = certificate.cloned().unwrap_or_default();
    }
    Ok((station, made))
}

/// Makes the offer to the member of this instance: what `set-ca` said and what its daemon did, and how the command ended. What is
/// offered is `made` where it is rightly handed over.
///
/// # Errors
/// When openssl fails on this host, or LXD does.
pub(super) async fn make(
    client: &Client,
    instance: &str,
    offer: &Offer,
    made: Option<&Authority>,
    within: Duration,
) -> Result<(i32, String), ClusterError> {
    let authority = match (offer.handed, made) {
        (Handed::Files | Handed::Combined | Handed::KeyFirst, Some(made)) => made.clone(),
        (handed, _) => Authority::spoiled(&offer.authority, handed)?,
    };
    let typed = Typed::new(authority, offer.handed);
    for (path, content) in [(OFFERED_CERTIFICATE, typed.certificate), (OFFERED_KEY, typed.key)] {
        if let Some(content) = content {
            client.push_file(instance, path, &FileSpec::new(content).mode(0o600)).await?;
        }
    }
    let words = ["bash", "-c", SCRIPT, "set-ca", OFFERED_CERTIFICATE, OFFERED_KEY];
    let exec = Exec::new(words.into_iter().chain(typed.arguments)).stdin(typed.input).timeout(within);
    let output = client.exec(instance, &exec).await?;
    let said = format!("{}{}", output.stdout_text(), output.stderr_text());
    Ok((output.exit_code, said.lines().map(|line| message(line) + "\n").collect()))
}

/// A line that was said, or of a line of the daemon's journal its message.
fn message(line: &str) -> String {
    let behind = line.strip_prefix("time=\"").and_then(|line| line.split_once(" msg=\""));
    let quoted = behind.and_then(|(_, text)| text.rsplit_once('"'));
    quoted.map_or_else(|| line.to_owned(), |(text, _)| format!("journal: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(handed: Handed) -> Typed {
        Typed::new(Authority { certificate: "C".to_owned(), key: "K".to_owned() }, handed)
    }

    #[test]
    fn what_is_named_is_there_unless_it_is_meant_not_to_be() {
        for handed in [Handed::Files, Handed::OtherKey, Handed::Garbage, Handed::EncryptedKey] {
            let Typed { certificate, key, input, arguments } = typed(handed);
            assert_eq!((certificate.as_deref(), key.as_deref(), input.as_str()), (Some("C"), Some("K"), ""));
            assert_eq!(arguments, ["--cert", OFFERED_CERTIFICATE, "--key", OFFERED_KEY], "{handed}");
        }
        assert_eq!(typed(Handed::NoSuchFile).arguments, typed(Handed::Files).arguments);
        assert_eq!(typed(Handed::NoSuchFile).certificate, None);
        let input = |handed| typed(handed).input;
        assert_eq!([input(Handed::Combined), input(Handed::KeyFirst)], ["CK", "KC"]);
        assert_eq!(
            [input(Handed::KeyInput), input(Handed::CertificateInput), input(Handed::EmptyInput)],
            ["K", "C", ""]
        );
        assert_eq!(typed(Handed::Nothing), Typed::default());
        assert_eq!(typed(Handed::FileAndInput).arguments, ["--combined", "--cert", OFFERED_CERTIFICATE]);
    }

    #[test]
    fn of_a_line_of_the_journal_the_message_is_shown() {
        let line = "time=\"2026-11-28T19:44:17Z\" level=error msg=\"Failed to set: no \\\"key\\\"\"";
        assert_eq!(message(line), "journal: Failed to set: no \\\"key\\\"");
        assert_eq!(message("New CA certificate: Issued"), "New CA certificate: Issued");
    }

    #[tokio::test]
    async fn an_authority_that_is_set_on_the_way_is_that_of_every_station_after_it() {
        let cell = crate::matrix::Cell::new(&[], &[]).expect("a cell").id().clone();
        let formed =
            crate::plan::Plan::outlined(cell, Default::default(), crate::plan::Segments::documentation()).state;
        let authority = crate::plan::UserCa::new(crate::plan::KeyAlgorithm::Ecdsa, Default::default());
        let offer = What::Offer(Box::new(Offer { authority: authority.clone(), handed: Handed::Files }));
        let station = |turnover, acts| {
            let since = Some(crate::plan::Changes { authority: turnover, ..Default::default() });
            let state = State { user_ca: Some(authority.clone()), since, ..formed.clone() };
            Station { number: 1, words: String::new(), about: String::new(), acts, watches: Vec::new(), state }
        };
        let act = crate::journey::Act::of("m", offer);
        let prepare = async |from: &State, station| with_authority(from, station).await.expect("an authority");
        let (set, made) = prepare(&formed, station(Turnover::Fresh, vec![act.clone()])).await;
        let certificate = |station: &Station| station.state.user_ca.clone().expect("given").certificate;
        assert_eq!(Some(certificate(&set)), made.map(|made| made.certificate));
        // What is offered in vain changes nothing, and nor does what is no offer.
        for acts in [vec![act.clone()], Vec::new()] {
            let (next, made) = prepare(&set.state, station(Turnover::Same, acts)).await;
            assert_eq!((certificate(&next), made.is_none()), (certificate(&set), true));
        }
        let (again, _) = prepare(&set.state, station(Turnover::Fresh, vec![act])).await;
        assert_ne!(certificate(&again), certificate(&set));
    }
}
