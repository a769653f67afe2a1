//! Files inside instances.

use bytes::Bytes;

use super::client::Client;
use super::dialect;
use super::error::{Error, Fault};
use super::request::{Request, TRANSFER_DEADLINE};

/// The largest file that is pulled, in bytes.
const PULL_LIMIT: u64 = 1024 * 1024 * 1024;

/// A file to write.
#[derive(Debug, Clone)]
pub struct FileSpec {
    /// What it shall hold.
    pub content: Bytes,
    /// The owner, as the instance numbers users.
    pub uid: u32,
    /// The owning group, as the instance numbers groups.
    pub gid: u32,
    /// The permission bits, such as `0o644`.
    pub mode: u32,
}

/// A file that was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct File {
    /// What it holds.
    pub content: Bytes,
    /// The owner, as the instance numbers users.
    pub uid: u32,
    /// The owning group, as the instance numbers groups.
    pub gid: u32,
    /// The permission bits.
    pub mode: u32,
}

impl FileSpec {
    /// A file of root that all may read.
    pub fn new(content: impl Into<Bytes>) -> FileSpec {
        FileSpec { content: content.into(), uid: 0, gid: 0, mode: 0o644 }
    }

    /// The same with other permission bits.
    pub fn mode(mut self, mode: u32) -> FileSpec {
        self.mode = mode;
        self
    }
}

impl Client {
    /// Writes a file, replacing one that is there. Its directory must exist. Within five minutes.
    pub async fn push_file(&self, instance: &str, path: &str, file: &FileSpec) -> Result<(), Error> {
        let headers = dialect::headers(self.server().daemon());
        let request = files(Request::post, instance, path, attempt("push", instance, path))
            .header(headers.kind, "file")
            .header(headers.write, "overwrite")
            .header(headers.uid, file.uid.to_string())
            .header(headers.gid, file.gid.to_string())
            .header(headers.mode, format!("{:04o}", file.mode))
            .bytes(file.content.clone())
            .deadline(TRANSFER_DEADLINE)
            .repeatable();
        self.done(&request).await
    }

    /// Reads a file of at most 1 GiB. A directory is an error. Within five minutes.
    pub async fn pull_file(&self, instance: &str, path: &str) -> Result<File, Error> {
        let request = files(Request::get, instance, path, attempt("pull", instance, path))
            .deadline(TRANSFER_DEADLINE)
            .reply_limit(PULL_LIMIT);
        let answer = self.raw(&request).await?;
        let headers = dialect::headers(self.server().daemon());
        let file = || {
            match answer.header(headers.kind) {
                Some("file") => {}
                other => {
                    return Err(Fault::invalid(format!("it is no file but {}", other.unwrap_or("unknown"))));
                }
            }
            let number = |name: &str, radix: u32| {
                let text = answer.header(name).unwrap_or_default();
                u32::from_str_radix(text, radix).map_err(|_| Fault::protocol(format!("no number in {name}"), text))
            };
            Ok(File {
                uid: number(headers.uid, 10)?,
                gid: number(headers.gid, 10)?,
                mode: number(headers.mode, 8)?,
                content: answer.body.clone(),
            })
        };
        file().map_err(|fault| self.error(&request.attempt, fault))
    }

    /// Reads a file; `None` when there is none. That the instance does not exist is an error.
    pub async fn find_file(&self, instance: &str, path: &str) -> Result<Option<File>, Error> {
        match self.pull_file(instance, path).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.is_not_found() => {
                // The answer is the same for both; an absent file in an absent instance is no finding.
                self.get_instance(instance).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a file or an empty directory; success when there is none.
    pub async fn delete_file(&self, instance: &str, path: &str) -> Result<(), Error> {
        let request = files(Request::delete, instance, path, attempt("delete", instance, path));
        self.done_or_gone(&request.repeatable()).await
    }
}

/// A request about a file, or a directory, that is made again where LXD did not reach the helper that it starts for it:
/// all of these can be repeated.
fn files(verb: fn(&[&str], String) -> Request, instance: &str, path: &str, attempt: String) -> Request {
    verb(&["instances", instance, "files"], attempt).query("path", path).again_when(dialect::says_no_file_helper)
}

fn attempt(verb: &str, instance: &str, path: &str) -> String {
    format!("{verb} file {path:?} in instance {instance:?}")
}
