//! What parties of a conversation tell each other and nobody else may read.

use std::collections::BTreeMap;
use std::fmt;

use crate::microovn::redact;

/// Secrets by name. `Debug` shows the names.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Notes a secret; the last one of a name counts.
    pub fn learn(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The secret of this name, where it is known.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `text` without them, and without what is secret wherever it is said.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_empty()) {
            text = text.replace(value.as_str(), &format!("[redacted {name}]"));
        }
        redact(&text)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_not_shown() {
        let mut secrets = Secrets::default();
        assert_eq!(secrets.find("passphrase"), None);
        secrets.learn("passphrase", "one two three four");
        assert_eq!(secrets.find("passphrase"), Some("one two three four"));
        assert_eq!(secrets.redact("it is one two three four, is it"), "it is [redacted passphrase], is it");
        assert_eq!(format!("{secrets:?}"), "{\"passphrase\"}");
    }
}
