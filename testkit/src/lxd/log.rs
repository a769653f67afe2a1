//! What LXD keeps of an instance's running: its console and LXD's own logs about it.

use bytes::Bytes;

use super::client::Client;
use super::error::Error;
use super::request::Request;

impl Client {
    /// Reads what an instance's init wrote to its console, where LXD kept it; empty when it wrote nothing.
    pub async fn get_console_log(&self, name: &str) -> Result<Bytes, Error> {
        let request = Request::get(&["instances", name, "console"], format!("get console log of instance {name:?}"));
        match self.raw(&request).await {
            Ok(answer) => Ok(answer.body),
            Err(error) if error.is_no_console() => Ok(Bytes::new()),
            Err(error) => Err(error),
        }
    }

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
