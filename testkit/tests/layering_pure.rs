//! The right-hand side of the pipeline is pure: it imports the plan and what it parses, and nothing that does I/O.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn pure_modules_import_only_what_they_may() {
    let own = Regex::new(r"\bcrate::(\w+)").unwrap();
    let impure = Regex::new(r"\b(tokio|reqwest|duct|std::(fs|process|env|thread|time))\b").unwrap();
    for (module, may) in [("ovn", &[][..]), ("microovn", &["ovn", "plan"]), ("expect", &["microovn", "ovn", "plan"])] {
        let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module));
        assert!(files.len() > 3, "{module} is not where it was");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let imports: BTreeSet<&str> =
                own.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
            for import in imports {
                assert!(import == module || may.contains(&import), "{} imports {import}", file.display());
            }
            assert!(!impure.is_match(&text), "{} does I/O", file.display());
        }
    }
}
