//! What runtimes and libraries print of a program that cannot go on, wherever it stands in a line: what `healthy` calls a panic,
//! and what the cause of a failure is looked for by.

/// In lower case. Sources: Go's runtime, its `net/http`, glibc, libstdc++, sanitizers, and what shells say of signals.
const CRASHES: [&str; 18] = [
    "http: panic serving",
    "unexpected fault address",
    "terminate called",
    "stack smashing detected",
    "buffer overflow detected",
    "double free or corruption",
    "free(): invalid",
    "free(): double free",
    "malloc():",
    "malloc_consolidate():",
    "corrupted size vs",
    "corrupted double-linked list",
    "munmap_chunk()",
    "realloc():",
    "segmentation fault",
    "illegal instruction",
    "bad system call",
    "sanitizer:",
];

/// Whether a text, in lower case, tells of a crash.
pub(super) fn is_crash(lower: &str) -> bool {
    CRASHES.iter().any(|part| lower.contains(part))
}

/// Whether what OVS' monitor process says of its daemon's end, in lower case from ` died,` on, is what a stop that was asked
/// for comes to. Recorded of `snap restart microovn.switch`: `pid 264 died, exit status 0, exiting`.
pub(super) fn is_asked_for(died: &str) -> bool {
    [" died, exit status 0,", " died, killed (terminated),"].iter().any(|how| died.starts_with(how))
}

#[cfg(test)]
mod tests {
    use super::CRASHES;
    use crate::microovn::health::Kind;
    use crate::microovn::says_end;

    #[test]
    fn each_is_a_panic_to_the_check_of_health_and_an_end_to_who_looks_for_the_cause() {
        for text in CRASHES {
            assert_eq!(Kind::of("microovn.daemon", text), Some(Kind::Panic), "{text}");
            assert!(says_end(text) && says_end(&text.to_uppercase()), "{text}");
        }
    }
}
