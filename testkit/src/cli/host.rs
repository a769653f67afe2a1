//! Preparing the host and the images.

use std::process::ExitCode;
use std::time::Instant;

use super::Failure;
use crate::config::Config;
use crate::{host, image};

/// Prints what is being done, with the time since the start.
struct Lines(Instant);
