//! A fake LXD that answers with the input.

use std::path::Path;
use std::time::Duration;

use testkit::image::{Named, find_or_pull};
use testkit::lxd::{Client, Endpoint, InstanceSource, InstanceSpec};
use toml::Table;

use crate::fake_lxd::{Act, FakeLxd, OPERATION, accepted, refusal};
use crate::readers::{nothing_else, said, take};

const PATIENCE: Duration = Duration::from_secs(60);

/// The input is what a `call` gets, with a `status`. What starts an operation gets one, and the input when it asks how
/// that ended, unless the input is to be the `acceptance`.
pub(crate) fn answer(input: &[u8], with: &mut Table) -> Result<(), String> {
    let call: String = take(with, "call").unwrap_or_else(|| "get_instance".to_owned());
    let status = take(with, "status").unwrap_or(200);
    let acceptance = take(with, "acceptance").unwrap_or(false);
    nothing_else(with);
    let body = String::from_utf8_lossy(input).into_owned();
    run(async move {
        let fake = FakeLxd::serve(move |line, _| match line {
            line if line.starts_with("POST ") && !acceptance => accepted("null"),
            _ => Act::Answer(status, "", body.clone()),
        });
        let client = fake.client().await;
        match call.as_str() {
            "get_instance" => said(client.get_instance("a").await),
            "list_instances" => said(client.list_instances(None).await),
            "create_instance" => {
                said(client.create_instance(&InstanceSpec::container("a", InstanceSource::None), PATIENCE).await)
            }
            "get_state" => said(client.get_instance_state("a").await),
            "get_pool" => said(client.get_storage_pool("p").await),
            "get_pool_resources" => said(client.get_storage_pool_resources("p").await),
            "get_resources" => said(client.get_resources().await),
            "list_networks" => said(client.list_networks().await),
            "list_operations" => said(client.list_operations().await),
            "wait" => said(client.wait_operation(OPERATION, PATIENCE).await),
            other => panic!("no call {other:?}"),
        }
    })
}

/// The input is what LXD says of itself.
pub(crate) fn connect(input: &[u8], with: &mut Table) -> Result<(), String> {
    let status = take(with, "status").unwrap_or(200);
    nothing_else(with);
    let body = String::from_utf8_lossy(input).into_owned();
    run(async move {
        let fake = FakeLxd::serve_whole(move |_, _| Act::Answer(status, "", body.clone()));
        let connected = fake.connect().await;
        let folder = fake.socket.parent().unwrap_or(Path::new("/")).display().to_string();
        said(connected).map_err(|error| error.replace(&folder, ""))
    })
}

/// The input is a URL.
pub(crate) fn endpoint(input: &[u8], with: &mut Table) -> Result<(), String> {
    let pem = |with: &mut Table, name| take::<String>(with, name).unwrap_or_default().into_bytes();
    let endpoint = Endpoint::Https {
        url: String::from_utf8_lossy(input).into_owned(),
        client_cert_pem: pem(with, "certificate"),
        client_key_pem: pem(with, "key"),
        server_cert_pem: pem(with, "server"),
    };
    nothing_else(with);
    run(async move { said(Client::connect(&endpoint).await) })
}

/// The input is the name of a node image, of which LXD has none.
pub(crate) fn image_name(input: &[u8], with: &mut Table) -> Result<(), String> {
    nothing_else(with);
    let name = String::from_utf8_lossy(input).into_owned();
    run(async move {
        let fake = FakeLxd::serve(|_, _| refusal(404, "not found"));
        let named = Named { name: &name, server: None, cache: Path::new("/nowhere") };
        said(find_or_pull(&fake.client().await, &named, &mut |_| {}).await)
    })
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}
