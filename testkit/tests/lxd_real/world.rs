//! A throw-away project, storage pool and tiny image in the real LXD, and their end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::lxd::{
    Client, Config, Devices, Endpoint, Error, Exec, ExecOutput, ImageRef, InstanceSource, InstanceSpec, ProjectSpec,
    StoragePoolSpec,
};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What one test owns in LXD. Its objects carry one name and are gone when the test is.
#[derive(Clone)]
pub(crate) struct World {
    /// A client of the default project.
    pub(crate) root: Client,
    /// A client of the throw-away project.
    pub(crate) client: Client,
    /// The name of the project and of the pool.
    pub(crate) name: String,
    /// The fingerprint of the tiny image.
    pub(crate) image: String,
}

/// Where LXD listens, or a failure that says how to get one: these tests mean nothing without it. Found as LXD's own
/// client does: `LXD_SOCKET`, then the socket in `LXD_DIR`, then where packages have it. What is named is not passed over.
pub(crate) fn socket() -> PathBuf {
    find_socket(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)).expect(
        "no LXD socket: install LXD (`snap install lxd && lxd init --auto`) or run `make setup`; \
         LXD_SOCKET names a socket elsewhere, LXD_DIR the folder of one",
    )
}

fn find_socket(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let named = variable("LXD_SOCKET").or_else(|| Some(variable("LXD_DIR")?.join("unix.socket")));
    let known = ["/var/snap/lxd/common/lxd/unix.socket", "/var/lib/lxd/unix.socket"].map(PathBuf::from);
    named.or_else(|| known.into_iter().find(|path| path.exists()))
}

#[test]
fn the_socket_is_found_as_lxds_own_client_finds_it() {
    let found = |variables: &[(&str, &str)]| {
        find_socket(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value)))
    };
    assert_eq!(found(&[("LXD_DIR", "/a"), ("LXD_SOCKET", "/b/s")]), Some("/b/s".into()));
    assert_eq!(found(&[("LXD_DIR", "/a")]), Some("/a/unix.socket".into()));
}

pub(crate) async fn connect() -> Client {
    Client::connect(&Endpoint::Unix(socket())).await.expect("LXD answers")
}

/// Runs a test in a world of its own and takes the world down, however the test ends.
pub(crate) async fn in_world<F, T>(label: &str, test: T)
where
    T: FnOnce(World) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let root = connect().await;
    let name = format!("testkit-client-{}-{label}", std::process::id());
    let client = root.with_project(&name);
    let built = build(&root, &client, &name).await;
    let outcome = match built {
        Ok(image) => {
            let world = World { root: root.clone(), client: client.clone(), name: name.clone(), image };
            tokio::spawn(test(world)).await
        }
        Err(error) => {
            take_down(&root, &client, &name).await;
            panic!("no world: {}", chain(&error));
        }
    };
    take_down(&root, &client, &name).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic.into_panic());
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn tags() -> Config {
    Config::from([("user.testkit.run".to_owned(), format!("client-{}", std::process::id()))])
}

async fn build(root: &Client, client: &Client, name: &str) -> Result<String, Error> {
    let features = ["features.images", "features.profiles"].map(|key| (key.to_owned(), "true".to_owned()));
    let mut config: Config = features.into_iter().collect();
    config.insert("features.networks".to_owned(), "false".to_owned());
    config.extend(tags());
    root.create_project(&ProjectSpec { name: name.to_owned(), config, description: String::new() }).await?;
    let pool = StoragePoolSpec { config: tags(), ..StoragePoolSpec::new(name, "dir") };
    root.create_storage_pool(&pool).await?;
    let dir = tempfile::tempdir().expect("directory");
    let architecture = &root.server().environment.architectures[0];
    let (metadata, rootfs) = image_files(dir.path(), architecture);
    let properties = BTreeMap::from([("os".to_owned(), "busybox & co".to_owned())]);
    client.import_split(&metadata, &rootfs, &properties, &["tiny"], LONG).await
}

/// A metadata tarball and a squashfs whose only program is a static busybox.
fn image_files(dir: &Path, architecture: &str) -> (PathBuf, PathBuf) {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("the tiny image needs a static busybox: install the package busybox-static");
    let root = dir.join("root");
    for path in ["bin", "sbin", "etc", "proc", "sys", "dev", "run", "tmp", "root"] {
        std::fs::create_dir_all(root.join(path)).expect("directory");
    }
    std::fs::copy(busybox, root.join("bin/busybox")).expect("busybox");
    for applet in
        ["sh", "cat", "echo", "sleep", "stty", "env", "true", "id", "yes", "head", "pwd", "kill", "pidof", "ifconfig"]
    {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).expect("link");
    }
    std::os::unix::fs::symlink("../bin/busybox", root.join("sbin/init")).expect("link");
    std::fs::write(root.join("etc/inittab"), "::sysinit:/bin/true\n").expect("inittab");
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("passwd");
    let metadata = dir.join("metadata");
    std::fs::create_dir_all(metadata.join("templates")).expect("directory");
    let yaml = format!("architecture: {architecture}\ncreation_date: 1\nproperties:\n  os: none\n");
    std::fs::write(metadata.join("metadata.yaml"), yaml).expect("metadata");
    let (tarball, squashfs) = (dir.join("metadata.tar"), dir.join("rootfs.squashfs"));
    run(Command::new("tar").arg("-C").arg(&metadata).arg("-cf").arg(&tarball).args(["metadata.yaml", "templates"]));
    run(Command::new("mksquashfs").arg(&root).arg(&squashfs).args([
        "-all-root",
        "-noappend",
        "-quiet",
        "-no-progress",
    ]));
    (tarball, squashfs)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Deletes what bears the name, and says what could not be deleted instead of stopping there.
async fn take_down(root: &Client, client: &Client, name: &str) {
    let complain = |result: Result<(), Error>| {
        if let Err(error) = result {
            eprintln!("left behind: {}", chain(&error));
        }
    };
    for instance in client.list_instances(None).await.unwrap_or_default() {
        complain(client.delete_instance_forced(&instance.name, LONG).await);
    }
    for image in client.list_images().await.unwrap_or_default() {
        complain(client.delete_image(&image.fingerprint, LONG).await);
    }
    for profile in client.list_profiles().await.unwrap_or_default() {
        if profile.name != "default" {
            complain(client.delete_profile(&profile.name).await);
        }
    }
    complain(root.delete_project(name).await);
    complain(root.delete_storage_pool(name).await);
}

impl World {
    /// A container of the tiny image on the world's pool.
    pub(crate) fn spec(&self, name: &str) -> InstanceSpec {
        let root = [("type", "disk"), ("path", "/"), ("pool", &self.name)];
        let root = root.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        let mut spec = InstanceSpec::container(name, InstanceSource::ImageFingerprint(self.image.clone()));
        spec.devices = Devices::from([("root".to_owned(), root)]);
        spec.config = tags();
        spec
    }

    /// Creates and starts a container.
    pub(crate) async fn start(&self, name: &str) {
        let spec = InstanceSpec { start: true, ..self.spec(name) };
        self.client.create_instance(&spec, LONG).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    }

    /// Runs a line of shell; there is no value in it.
    pub(crate) async fn sh(&self, instance: &str, line: &str) -> ExecOutput {
        let output = self.client.exec(instance, &Exec::new(["/bin/sh", "-c", line])).await;
        output.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// The tiny image.
    pub(crate) fn alias(&self) -> ImageRef {
        ImageRef::Alias("tiny".to_owned())
    }
}
