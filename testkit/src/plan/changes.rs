//! What a step makes new, and what therefore must be what it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Process;

/// What becomes of something over a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Turnover {
    /// It is the one that it was.
    #[default]
    Same,
    /// It is another one.
    Fresh,
    /// Either.
    Any,
}

/// What a step makes new. What is not named here must be the same as at the station before; what was not there before, or
/// is no longer wanted, is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// The authority of the certificates.
    pub authority: Turnover,
    /// Certificates, by member and by the stem of their files: `ovn-northd`.
    pub certificates: BTreeMap<String, BTreeMap<String, Turnover>>,
    /// Daemons, by member.
    pub processes: BTreeMap<String, BTreeMap<Process, Turnover>>,
    /// The clusters of the Northbound and the Southbound, which have an id.
    pub databases: Turnover,
}

impl Changes {
    /// Says what becomes of a daemon. Of two steps' words the later counts.
    pub fn process(&mut self, member: &str, process: Process, turnover: Turnover) {
        self.processes.entry(member.to_owned()).or_default().insert(process, turnover);
    }

    /// What becomes of a daemon.
    pub fn of_process(&self, member: &str, process: Process) -> Turnover {
        self.processes.get(member).and_then(|all| all.get(&process)).copied().unwrap_or_default()
    }

    /// Says what becomes of a certificate.
    pub fn certificate(&mut self, member: &str, stem: &str, turnover: Turnover) {
        self.certificates.entry(member.to_owned()).or_default().insert(stem.to_owned(), turnover);
    }

    /// What is new, or may be, a line each: `ovn-northd of microovn-1`.
    pub fn told(&self) -> Vec<String> {
        let told = |what: String, turnover: Turnover| match turnover {
            Turnover::Same => None,
            Turnover::Fresh => Some(what),
            Turnover::Any => Some(format!("{what}, perhaps")),
        };
        let mut all = vec![
            told("the authority of the certificates".to_owned(), self.authority),
            told("the clusters of the databases".to_owned(), self.databases),
        ];
        for (member, certificates) in &self.certificates {
            let certificate =
                |(stem, turnover): (&String, &Turnover)| told(format!("the certificate {stem} of {member}"), *turnover);
            all.extend(certificates.iter().map(certificate));
        }
        for (member, processes) in &self.processes {
            let process = |(process, turnover): (&Process, &Turnover)| {
                told(format!("the process {process} on {member}"), *turnover)
            };
            all.extend(processes.iter().map(process));
        }
        all.into_iter().flatten().collect()
    }

    /// What becomes of a certificate.
    pub fn of_certificate(&self, member: &str, stem: &str) -> Turnover {
        self.certificates.get(member).and_then(|all| all.get(stem)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let mut changes = Changes::default();
        assert_eq!(changes.told(), Vec::<String>::new());
        changes.databases = Turnover::Any;
        changes.process("m1", Process::Northd, Turnover::Fresh);
        changes.process("m1", Process::Switch, Turnover::Same);
        changes.certificate("m2", "ovnnb", Turnover::Fresh);
        assert_eq!(
            changes.told(),
            ["the clusters of the databases, perhaps", "the certificate ovnnb of m2", "the process ovn-northd on m1"]
        );
    }
}
