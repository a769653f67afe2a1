//! Imports go one way. The arrows are those of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What each module of the library may import from it. A module that is not listed may import anything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lxd", &[]),
    ("matrix", &["nearest"]),
    ("wait", &[]),
    ("clock", &[]),
    ("cargo", &[]),
    ("nearest", &[]),
    ("config", &["nearest"]),
    ("plan", &["matrix"]),
    ("ovn", &["plan"]),
    ("microovn", &["plan", "ovn"]),
    ("expect", &["plan", "ovn", "microovn", "matrix"]),
    ("report", &["microovn", "clock"]),
    (
        "record",
        &["clock", "cluster", "config", "expect", "lxd", "matrix", "microovn", "ovn", "plan", "report", "session"],
    ),
    ("session", &["lxd", "config", "wait", "clock"]),
    ("host", &["lxd", "config", "wait", "image"]),
    ("image", &["lxd", "config", "wait", "cargo"]),
    (
        "cluster",
        &["lxd", "config", "wait", "host", "image", "session", "plan", "matrix", "ovn", "microovn", "expect", "report"],
    ),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| sources(&path)).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

/// Modules of the library that a source file names, through `crate::x` or `crate::{x, y}`.
fn imports(text: &str) -> Vec<String> {
    // Tests may look anywhere.
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let single = Regex::new(r"crate::([a-z_]+)").expect("a pattern");
    let group = Regex::new(r"crate::\{([^}]*)\}").expect("a pattern");
    let name = Regex::new(r"(?:^|,)\s*([a-z_]+)").expect("a pattern");
    let mut found: Vec<String> = single.captures_iter(code.as_str()).map(|c| c[1].to_owned()).collect();
    for list in group.captures_iter(&code) {
        found.extend(name.captures_iter(&list[1]).map(|c| c[1].to_owned()));
    }
    found
}

#[test]
fn imports_follow_the_arrows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (module, allowed) in ALLOWED {
        let folder = src.join(module);
        let roots = [folder.with_extension("rs"), folder];
        let files: Vec<PathBuf> = roots.iter().filter(|root| root.exists()).flat_map(|root| sources(root)).collect();
        assert!(!files.is_empty(), "no sources of {module} below {}; is it still called so?", src.display());
        for file in files {
            let text = fs::read_to_string(&file).expect("a source file");
            for import in imports(&text) {
                if import != *module && !allowed.contains(&import.as_str()) {
                    wrong.push(format!("{} imports {import}", file.strip_prefix(&src).expect("below src").display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows of ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn imports_are_seen_in_both_forms_and_not_in_comments_or_tests() {
    let text = "// crate::a\nuse crate::{b, c::D};\nuse crate::e::F;\n#[cfg(test)]\nuse crate::g;\n";
    let mut seen = imports(text);
    seen.sort();
    assert_eq!(seen, ["b", "c", "e"]);
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let reads = Regex::new(r"env::(var|vars|var_os|vars_os)\b").expect("a pattern");
    let readers: Vec<_> = sources(&src)
        .into_iter()
        .filter(|file| reads.is_match(&fs::read_to_string(file).expect("a source file")))
        .map(|file| file.strip_prefix(&src).expect("below src").display().to_string())
        .collect();
    assert_eq!(readers, ["config.rs"]);
}
