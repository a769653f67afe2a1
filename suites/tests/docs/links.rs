//! Links lead to files and headings that are there, and the book has every page.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::pages::{Page, documents, pages, root};

/// A path without `..` in it.
fn clean(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// What is wrong with a link of a page, if anything is.
fn problem(all: &[Page], page: &Page, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let folder = page.name.parent().expect("a file");
    let target = if file.is_empty() { page.name.clone() } else { clean(&folder.join(file)) };
    if !root().join(&target).is_file() {
        return Some(format!("there is no {}", target.display()));
    }
    // What is beside the book is not in it.
    if page.name.starts_with("docs") && !target.starts_with("docs") {
        return Some("it leads out of the book; name the file in code instead".to_owned());
    }
    let anchor = anchor?;
    let heading = all.iter().find(|other| other.name == target)?.anchors();
    (!heading.contains(&anchor.to_owned())).then(|| format!("{} has none of {heading:?}", target.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let all = documents();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in &all {
        for (place, link) in page.links() {
            count += 1;
            wrong.extend(problem(&all, page, &link).map(|problem| format!("{place}: {link}: {problem}")));
        }
    }
    assert!(count > 50, "only {count} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_book_has_every_page() {
    let all = pages();
    let summary = all.iter().find(|page| page.name == Path::new("docs/SUMMARY.md")).expect("a summary");
    let listed: Vec<PathBuf> = summary.links().into_iter().map(|(_, link)| Path::new("docs").join(link)).collect();
    let pages = all.iter().filter(|page| page.name.starts_with("docs") && page.name != summary.name);
    let missing: Vec<&Path> =
        pages.map(|page| page.name.as_path()).filter(|name| !listed.contains(&name.to_path_buf())).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:?}");
}

/// The pages that are neither listed nor read by people are none of the book's: a stray file would be published with it.
#[test]
fn nothing_but_pages_and_the_schema_is_published() {
    let known = ["book.toml", "run-record.schema.json"];
    for entry in fs::read_dir(root().join("docs")).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        let page = entry.path().is_dir() || name.ends_with(".md");
        assert!(page || known.contains(&name.as_str()), "docs/{name} would be published with the book");
    }
}
