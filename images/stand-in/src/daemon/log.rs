//! What the daemon says in its journal, in the form MicroOVN's has.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether what concerns security is said.
static SECURITY: AtomicBool = AtomicBool::new(true);

/// What concerns security is not said from now on.
pub(crate) fn silence_security() {
    SECURITY.store(false, Ordering::Relaxed);
}

/// Says something. The fields come in the order of their names.
pub(crate) fn say(level: &str, message: &str, fields: &[(&str, &str)]) {
    complain!("{}", line(&jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), level, message, fields));
}

/// Says something that concerns security; MicroOVN marks it.
pub(crate) fn say_security(message: &str, fields: &[(&str, &str)]) {
    if !SECURITY.load(Ordering::Relaxed) {
        return;
    }
    let mut fields = [fields, &[("security", "true")]].concat();
    fields.sort_unstable();
    say("info", message, &fields);
}

/// Says that an administrator had something done; `action` is MicroOVN's word for it.
pub(crate) fn say_done(action: &str, message: &str, fields: &[(&str, &str)]) {
    let own = [("action", action), ("category", "AUTHZ"), ("event", "authz_admin")];
    say_security(message, &[&own[..], fields].concat());
}

/// Says that a member begins or ends; `event` is MicroOVN's word for it.
pub(crate) fn say_system(event: &str, message: &str, node: &str) {
    say_security(message, &[("category", "SYS"), ("event", event), ("node", node)]);
}

fn line(time: &str, level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    format!("time={time:?} level={level} msg={message:?}{fields}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_as_recorded() {
        let journal = include_str!("../../tests/fixtures/107-journal-failed-setca.txt");
        let security = [
            ("auto_renew", "false"),
            ("category", "AUTHN"),
            ("event", "authn_password_changed"),
            ("security", "true"),
            ("subject", "CA"),
        ];
        for (time, level, message, fields) in [
            (
                "2026-11-28T19:44:17Z",
                "info",
                "Updating CA certificate and private key from user provided data",
                &[][..],
            ),
            ("2026-11-28T19:45:17Z", "info", "User-provided CA certificate stored", &security),
        ] {
            let line = line(time, level, message, fields);
            assert!(journal.lines().any(|recorded| recorded.ends_with(&format!(" {line}"))), "{line}");
        }
    }
}
