//! Uploads of several files in one request, streamed from disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Url;
use tokio_util::io::ReaderStream;

use super::error::Fault;
use super::request::{Body, Request};

/// How much is read from disk at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// A `multipart/form-data` body (RFC 7578) whose parts are files.
///
/// reqwest can do this too, with a feature that brings a table of media types along; LXD wants none.
pub(crate) struct Form {
    boundary: String,
    parts: Vec<(String, PathBuf)>,
    length: u64,
}

impl Form {
    /// A form of these fields and files, in this order, which matters to LXD.
    pub(crate) async fn open(files: &[(&str, &Path)]) -> Result<Form, Fault> {
        let boundary = format!("testkit-{:032x}", rand::random::<u128>());
        let mut form = Form { boundary, parts: Vec::new(), length: 0 };
        for (field, path) in files {
            let metadata = tokio::fs::metadata(path).await;
            let metadata = metadata.map_err(|source| cannot_read(path).with_source(source))?;
            if !metadata.is_file() {
                return Err(Fault::invalid(format!("{} is no file", path.display())));
            }
            let head = format!(
                "--{}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{field}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n",
                form.boundary
            );
            form.length += head.len() as u64 + metadata.len() + 2;
            form.parts.push((head, (*path).to_owned()));
        }
        form.length += form.tail().len() as u64;
        Ok(form)
    }

    /// Makes this the body of a request.
    pub(crate) fn into_request(self, mut request: Request) -> Request {
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        let length = self.length.to_string();
        let form = Arc::new(self);
        request.body = Body::Stream(Arc::new(move || form.stream()));
        request.header("Content-Type", kind).header("Content-Length", length)
    }

    fn stream(&self) -> reqwest::Body {
        let tail = Bytes::from(self.tail());
        let parts = stream::iter(self.parts.clone()).then(|(head, path)| async move {
            let file = tokio::fs::File::open(path).await?;
            let head = stream::once(async move { Ok(Bytes::from(head)) });
            let end = stream::once(async { Ok(Bytes::from_static(b"\r\n")) });
            Ok::<_, std::io::Error>(head.chain(ReaderStream::with_capacity(file, CHUNK)).chain(end))
        });
        reqwest::Body::wrap_stream(parts.try_flatten().chain(stream::once(async move { Ok(tail) })))
    }

    fn tail(&self) -> String {
        format!("--{}--\r\n", self.boundary)
    }
}

/// Pairs in the form of a URL's query, which is how LXD takes an image's properties in a header.
pub(crate) fn url_encoded(pairs: &BTreeMap<String, String>) -> String {
    let mut url = Url::parse("http://lxd/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.as_ref().and_then(Url::query).unwrap_or_default().to_owned()
}

fn cannot_read(path: &Path) -> Fault {
    Fault::invalid(format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_encoded_as_a_query() {
        let pairs = BTreeMap::from([("os".to_owned(), "a b&c".to_owned()), ("é".to_owned(), "=".to_owned())]);
        assert_eq!(url_encoded(&pairs), "os=a+b%26c&%C3%A9=%3D");
    }

    #[tokio::test]
    async fn a_form_is_as_long_as_it_says_and_ends_in_its_boundary() {
        let dir = tempfile::tempdir().expect("directory");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, vec![b'a'; 700_000]).expect("file");
        std::fs::write(&b, "b").expect("file");
        let form = Form::open(&[("metadata", &a), ("rootfs", &b)]).await.expect("form");
        let (length, boundary) = (form.length, form.boundary.clone());
        let response = reqwest::Response::from(hyper::Response::new(form.stream()));
        let bytes = response.bytes().await.expect("body");
        assert_eq!(bytes.len() as u64, length);
        assert!(bytes.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
        assert_eq!(bytes.windows(boundary.len()).filter(|window| *window == boundary.as_bytes()).count(), 3);
    }

    #[tokio::test]
    async fn a_file_that_is_absent_is_named() {
        let fault = Form::open(&[("metadata", Path::new("/nowhere/a"))]).await.err().expect("an error");
        assert!(fault.to_string().contains("/nowhere/a"), "{fault}");
    }
}
