//! Servers of images that a client knows, beside those that all know from the start.

use std::collections::BTreeMap;

use super::known::Known;
use super::remote::ImageServer;
use crate::config::ConfigError;
use crate::daemon::Daemon;

/// The server of `remote:alias`, where the configuration of a client has one of that name: what is written down there wins over what is
/// known from the start, so that a mirror may have the name of what it mirrors.
///
/// # Errors
/// When a client's configuration cannot be read.
pub(crate) fn image_server(
    variable: &'static str,
    image: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Option<ImageServer>, ConfigError> {
    let Some((name, _)) = image.split_once(':') else { return Ok(None) };
    for daemon in [Daemon::Lxd, Daemon::Incus] {
        let known = Known::read(daemon, name, environment).map_err(|(problem, mend)| ConfigError::Remote {
            variable,
            name: name.to_owned(),
            problem,
            mend,
        })?;
        if let Some(server) = known.image_server(name) {
            return Ok(Some(server));
        }
    }
    Ok(None)
}
