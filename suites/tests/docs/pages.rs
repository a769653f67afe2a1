//! The pages, and what stands in them.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A page as it was read.
pub(crate) struct Page {
    /// From the root of the checkout: `docs/report.md`.
    pub(crate) name: PathBuf,
    pub(crate) text: String,
}

/// A block of code between fences.
pub(crate) struct Block {
    /// Page and line, for messages.
    pub(crate) place: String,
    /// What follows the fence: `console`, `rust`.
    pub(crate) info: String,
    pub(crate) text: String,
    /// Whether the fence begins its line.
    pub(crate) at_the_margin: bool,
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The pages of the book, sorted, and the README.
pub(crate) fn pages() -> Vec<Page> {
    let mut files = vec![root().join("README.md")];
    collect(&root().join("docs"), &mut files);
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

/// The pages, and what is written for those who change the project.
pub(crate) fn documents() -> Vec<Page> {
    let mut documents = pages();
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "images/stand-in/README.md"];
    documents.extend(others.iter().map(|name| read(&root().join(name))));
    documents
}

fn read(file: &Path) -> Page {
    let name = file.strip_prefix(root()).expect("below").to_owned();
    Page { name, text: fs::read_to_string(file).expect("readable") }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

impl Page {
    fn events(&self) -> impl Iterator<Item = (Event<'_>, std::ops::Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// Page and line of a position in the text.
    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.name.display(), self.text[..at].lines().count() + 1)
    }

    /// Its fenced blocks.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut inside = false;
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let at_the_margin = range.start == 0 || self.text.as_bytes()[range.start - 1] == b'\n';
                    let place = self.place(range.start);
                    blocks.push(Block { place, info: info.to_string(), text: String::new(), at_the_margin });
                    inside = true;
                }
                Event::Text(text) if inside => blocks.last_mut().expect("begun").text.push_str(&text),
                Event::End(TagEnd::CodeBlock) => inside = false,
                _ => {}
            }
        }
        blocks
    }

    /// Code in the middle of a line, with its place.
    pub(crate) fn code(&self) -> Vec<(String, String)> {
        let code = self.events().filter_map(|(event, range)| match event {
            Event::Code(text) => Some((self.place(range.start), text.to_string())),
            _ => None,
        });
        code.collect()
    }

    /// Where its links and pictures lead, with the place.
    pub(crate) fn links(&self) -> Vec<(String, String)> {
        let links = self.events().filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some((self.place(range.start), dest_url.to_string()))
            }
            _ => None,
        });
        links.collect()
    }

    /// What its headings can be linked to by.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(
                    HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 | HeadingLevel::H4,
                )) => {
                    anchors.extend(heading.take().map(|heading| anchor(&heading)));
                }
                _ => {}
            }
        }
        anchors
    }
}

/// A heading's anchor, as mdBook and the sites of repositories make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}
