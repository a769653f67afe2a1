//! The documentation is true, as far as a test without LXD can know: commands that are shown with their output print it,
//! those that are shown without exist, settings and cells that are named exist, and links lead somewhere.

mod commands;
mod links;
mod names;
mod pages;
