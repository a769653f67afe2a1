//! `microovn init` as a state machine: bytes in, replies out. It does no I/O and knows no time.
//!
//! The dialog is answered by question, not by position: each prompt is looked up among the plan's answers by how it
//! starts, so that a new question upstream is reported by its text instead of shifting every later answer.
//!
//! ```
//! use testkit::microovn::dialog::{Dialog, Step};
//! use testkit::plan::Answer;
//!
//! let answers = [Answer::text("encap", "Would you like to define a custom encapsulation IP", "no")];
//! let mut dialog = Dialog::new(&answers, None);
//! let steps = dialog.feed(b"Would you like to define a custom encapsulation IP address? (yes/no) [default=no]: ");
//! let [Step::Write(typed)] = steps.as_slice() else { panic!("{steps:?}") };
//! assert_eq!(typed.bytes(), b"no\n");
//! ```
//!
//! The driver feeds what it reads, writes what a [`Step`] says, calls [`Dialog::on_eof`] at the end of the output and
//! [`Dialog::on_silence`] when nothing came for as long as it is willing to wait. Where the chunks of the stream begin
//! and end makes no difference.

mod failure;
mod machine;
mod transcript;

pub use failure::{DialogError, DialogProblem};
pub use machine::{Dialog, Step, Typed};
pub use transcript::{Exchange, Transcript};
