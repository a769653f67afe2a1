//! Evidence as text in the page, as much of it as a page can bear.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::microovn::redact;
use crate::record::schema::Evidence;

/// Bytes of one file.
const FILE: u64 = 48 << 10;
/// Bytes of all files, after which they are only named: a report must open in a browser.
const ALL: u64 = 12 << 20;

/// A file's text in the page.
pub(super) struct Inlined {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) size: String,
    /// What of it is left out, and where it is.
    pub(super) note: Option<String>,
    pub(super) text: Option<String>,
}

/// Reads evidence below the folder of a run.
pub(super) struct Inliner {
    run: PathBuf,
    left: u64,
}

impl Inliner {
    pub(super) fn new(run: &Path) -> Self {
        Self { run: run.to_owned(), left: ALL }
    }

    /// One file: of a long one its end, which in a log is what happened last.
    pub(super) fn take(&mut self, evidence: &Evidence) -> io::Result<Inlined> {
        let size = size(evidence.bytes);
        let mut inlined =
            Inlined { name: evidence.name.clone(), path: evidence.path.clone(), size, note: None, text: None };
        let mut file = match File::open(self.run.join(&evidence.path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                inlined.note = Some("the file is gone".to_owned());
                return Ok(inlined);
            }
            Err(error) => {
                inlined.note = Some(format!("the file cannot be read: {error}"));
                return Ok(inlined);
            }
        };
        let shown = evidence.bytes.min(FILE);
        if shown > self.left {
            inlined.note = Some("not shown, because this report is long; see the file".to_owned());
            return Ok(inlined);
        }
        self.left -= shown;
        let cut = evidence.bytes - shown;
        file.seek(SeekFrom::Start(cut))?;
        let mut bytes = Vec::new();
        file.take(FILE).read_to_end(&mut bytes)?;
        // A key or token that begins before the cut would not be known for one: whole lines only, and redacted as a
        // whole file was when it was written.
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if cut > 0 {
            text = text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
            inlined.note =
                Some(format!("the last {} of it; the first {} are in the file", self::size(shown), self::size(cut)));
        }
        inlined.text = Some(printable(&redact(&text)));
        Ok(inlined)
    }
}

/// Bytes for a person.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{} KiB", bytes.div_ceil(1024)) }
}

/// Text without what a terminal would act on.
fn printable(text: &str) -> String {
    let plain = strip_ansi_escapes::strip_str(text);
    plain.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
