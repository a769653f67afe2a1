//! LXD's own logs about an instance.

use bytes::Bytes;

use super::client::Client;
use super::error::Error;
use super::request::Request;

impl Client {
    /// Reads one of LXD's own logs about an instance, such as `lxc.log`.
    pub async fn get_instance_log(&self, name: &str, log: &str) -> Result<Bytes, Error> {
        let attempt = format!("get log {log:?} of instance {name:?}");
        Ok(self.raw(&Request::get(&["instances", name, "logs", log], attempt)).await?.body)
    }

    /// Lists the names of LXD's own logs about an instance.
    pub async fn list_instance_logs(&self, name: &str) -> Result<Vec<String>, Error> {
        let request = Request::get(&["instances", name, "logs"], format!("list logs of instance {name:?}"));
        let urls: Option<Vec<String>> = self.sync(&request).await?;
        let names = urls.unwrap_or_default().into_iter();
        Ok(names.filter_map(|url| url.rsplit_once('/').map(|(_, name)| name.to_owned())).collect())
    }
}
