//! MicroCloud's surfaces, as far as they are pure: what its parties are told, what they show, and what it tells MicroOVN.
//!
//! | surface | module |
//! |---|---|
//! | `microcloud init`, `add` and `join`, one party each | [`Part`], [`Conversation`] |
//! | what one party shows and others are told | [`Secrets`] |
//! | the file of `microcloud preseed` | [`preseed`] |
//!
//! A conversation is of several parties at once, each on a terminal of its own, which a library interprets: what is done is found
//! by what stands on the screen, never by how many keys came before.

mod conversation;
mod failure;
mod part;
mod preseed;
mod screen;
mod secrets;

pub use conversation::{Conversation, Typed};
pub use failure::{ConversationError, ConversationProblem, Said};
pub use part::{PASSPHRASE, Part, Shows, adding, part};
pub use preseed::{Outside, preseed};
pub use screen::{COLUMNS, ROWS};
pub use secrets::Secrets;
