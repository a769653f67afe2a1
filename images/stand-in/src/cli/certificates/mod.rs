//! `microovn certificates …`.

mod change;
mod list;

pub(crate) use change::{regenerate_ca, reissue, service, set_ca};
pub(crate) use list::{list, stems};
