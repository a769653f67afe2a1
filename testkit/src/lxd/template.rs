//! An instance's metadata, and the templates that LXD renders into it by the metadata's rules.

use bytes::Bytes;
use serde_json::Value;

use super::client::Client;
use super::error::Error;
use super::request::Request;

impl Client {
    /// Reads an instance's metadata: the `metadata.yaml` of its image, which holds the templates' rules.
    pub async fn get_instance_metadata(&self, name: &str) -> Result<Value, Error> {
        let attempt = format!("get metadata of instance {name:?}");
        self.sync(&Request::get(&["instances", name, "metadata"], attempt)).await
    }

    /// Replaces an instance's metadata.
    pub async fn put_instance_metadata(&self, name: &str, metadata: &Value) -> Result<(), Error> {
        let attempt = format!("put metadata of instance {name:?}");
        self.done(&Request::put(&["instances", name, "metadata"], attempt).json(metadata).repeatable()).await
    }

    /// Writes the template file `file`, such as `hostname.tpl`, of an instance. When and whereto it is rendered is in
    /// the metadata.
    pub async fn put_template(&self, name: &str, file: &str, content: Bytes) -> Result<(), Error> {
        let attempt = format!("put template {file:?} of instance {name:?}");
        let request = Request::post(&["instances", name, "metadata", "templates"], attempt);
        self.done(&request.query("path", file).bytes(content).repeatable()).await
    }
}
