//! What was issued anew, as the REST API says it and `microovn` prints it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Certificates of one member that were issued anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reissued {
    /// The services that have new ones; null where there are none, as Go writes it.
    pub(crate) success: Option<Vec<String>>,
    /// The services that should have.
    pub(crate) failed: Option<Vec<String>>,
}

impl Reissued {
    /// New certificates for all of these services.
    pub(crate) fn all<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        let mut reissued = Self::default();
        services.into_iter().for_each(|service| reissued.note(service, true));
        reissued
    }

    /// Notes what became of one service.
    pub(crate) fn note(&mut self, service: &str, succeeded: bool) {
        let list = if succeeded { &mut self.success } else { &mut self.failed };
        list.get_or_insert_default().push(service.to_owned());
    }

    /// The lines of `certificates reissue`.
    pub(crate) fn text(&self) -> String {
        let lines = |services: &[String]| services.iter().map(|service| format!("{service}\n")).collect::<String>();
        let mut text = "Local certificates reissued successfully:\n".to_owned();
        text.push_str(&self.success.as_deref().map_or_else(|| "None\n".to_owned(), lines));
        if let Some(failed) = &self.failed {
            text.push_str("\nLocal certificates reissue failed:\n");
            text.push_str(&lines(failed));
        }
        text
    }
}

/// An authority that took the place of another one, and what it signed since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    /// Whether there is a new one.
    #[serde(rename = "newCa")]
    pub(crate) new_ca: bool,
    /// By the name of the member.
    #[serde(rename = "reissuedCertificates")]
    pub(crate) reissued: BTreeMap<String, Reissued>,
    /// What went wrong with other members.
    #[serde(rename = "error")]
    pub(crate) errors: Vec<String>,
}

impl Replaced {
    /// The lines of `certificates regenerate-ca` and `certificates set-ca`. The members come by name, from number `first`
    /// on: MicroOVN begins with any of them.
    pub(crate) fn text(&self, first: usize) -> String {
        let issued = if self.new_ca { "Issued" } else { "Not Issued" };
        let mut text = format!("New CA certificate: {issued}\n\nService certificate re-issued for following services:");
        let mut members: Vec<_> = self.reissued.iter().collect();
        let count = members.len().max(1);
        members.rotate_left(first % count);
        for (member, services) in members {
            text.push_str(&format!("\n[Host {member}]\n"));
            for (list, outcome) in [(&services.success, "Success"), (&services.failed, "Failed!")] {
                list.iter().flatten().for_each(|service| text.push_str(&format!("{service}: {outcome}\n")));
            }
        }
        if !self.errors.is_empty() {
            text.push_str("\n[Errors]\n");
            self.errors.iter().for_each(|error| text.push_str(&format!("{error}\n")));
        }
        text
    }
}
