//! LXD's REST API: a client that knows LXD and nothing of OVN or of tests.
//!
//! [`Client`] carries all calls; each file below adds those of one entity together with their types. Verbs: `get_`
//! errors when the entity is absent, `find_` returns an `Option`, `delete_` succeeds when it is already gone. Replies
//! tolerate fields that this client does not know and quote what lacks the fields that it needs.
//!
//! Source of the types: the LXD API as of 5.0 to 6.9, `doc/rest-api.yaml` and `doc/api-extensions.md` in LXD's
//! repository. What releases do differently is in `dialect`.

mod certificate;
mod client;
mod cluster;
mod command;
mod dialect;
mod envelope;
mod error;
mod exec;
mod exec_session;
mod file;
mod fuzzing;
mod image;
mod instance;
mod kind;
mod log;
mod network;
mod operation;
mod pipes;
mod profile;
mod project;
mod pty;
mod request;
mod resources;
mod server;
mod state;
mod storage;
mod template;
mod tls;
mod transport;
mod tries;
mod upload;
mod websocket;

pub use client::{Client, Tagged};
pub use cluster::ClusterMember;
pub use command::{Exec, ExecOutput};
pub(crate) use dialect::says_no_space;
pub use error::Error;
pub use file::{File, FileSpec};
pub(crate) use fuzzing::read_as_everything;
pub use image::{Image, ImageAlias, ImageRef, ImageSource, PullPatience, RemoteImage};
pub use instance::{Config, Devices, Instance, InstanceKind, InstancePatch, InstancePut, InstanceSource, InstanceSpec};
pub use kind::{ErrorKind, ImageServerFault};
pub use network::{Network, NetworkPut, NetworkSpec, NetworkState};
pub use operation::{Operation, OperationId};
pub use pipes::Pipes;
pub use profile::{Profile, ProfileSpec};
pub use project::{Project, ProjectSpec};
pub use pty::{Pty, PtyControl, PtyReader, PtyWriter};
pub use resources::{Cpu, HostMemory, Resources};
pub use server::{Environment, Server, StorageDriver};
pub use state::{AddressScope, CpuUsage, InstanceState, Interface, InterfaceAddress, Memory, StateAction, StateChange};
pub use storage::{StoragePool, StoragePoolPut, StoragePoolResources, StoragePoolSpec, Usage};
pub use transport::Endpoint;
