//! What goes over the NICs of a cluster that is up, as it goes.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::interrupt::Interrupt;
use super::{Catalogue, Failure, clusters};
use crate::config::Config;
use crate::host;
use crate::lxd::{Client, Exec};
use crate::packets::stream::{self, Reader};

/// Starting tcpdump; then it goes on as long as it likes.
const START: Duration = Duration::from_secs(30);
/// Writes every packet as soon as it is seen, and says nothing but packets.
const CAPTURE: &str = r#"device=$1; shift; exec tcpdump -i "$device" -p -n -U --immediate-mode -w - "$@" 2>/dev/null"#;

/// What to capture.
#[derive(Debug, clap::Args)]
pub(super) struct CaptureArgs {
    /// The cell, or cell:member; without a member it is all of them. A member may be given by its number.
    node: String,
    /// Only the NICs to the tunnels' endpoints, instead of all.
    #[arg(long)]
    underlay: bool,
    /// What to look for, as tcpdump has it: `-- udp port 6081`.
    #[arg(last = true)]
    filter: Vec<String>,
}

/// A NIC of a member.
struct Device {
    instance: String,
    device: String,
    /// How the file calls it.
    name: String,
}

/// Writes what goes over the NICs of members to standard output, as pcapng, until it is interrupted or nobody reads any more.
pub(super) async fn capture(config: Config, catalogue: &Catalogue, args: &CaptureArgs) -> Result<ExitCode, Failure> {
    let devices = devices(&config, catalogue, args)?;
    let client = host::connect(&config).await.map_err(Failure::usage)?;
    let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    if !print(&stream::head(&names)) {
        return Ok(ExitCode::SUCCESS);
    }
    let interrupt = &Interrupt::new();
    let all =
        devices.iter().enumerate().map(|(number, device)| follow(&client, number, device, &args.filter, interrupt));
    interrupt.during(try_join_all(all)).await.map(|_| ExitCode::SUCCESS)
}

fn devices(config: &Config, catalogue: &Catalogue, args: &CaptureArgs) -> Result<Vec<Device>, Failure> {
    let (manifest, chosen) = clusters::members(config, catalogue, &args.node)?;
    let mut devices = Vec::new();
    for member in manifest.plan.state.members.iter().filter(|member| chosen.contains(&member.name)) {
        let Some(instance) = manifest.instances.get(&member.name) else { continue };
        let wire = member.wire().map(|nic| nic.device.as_str());
        for nic in member.nics.iter().filter(|nic| !args.underlay || wire == Some(nic.device.as_str())) {
            let name = format!("{} {}", member.hostname, nic.device);
            devices.push(Device { instance: instance.clone(), device: nic.device.clone(), name });
        }
    }
    Ok(devices)
}

/// Writes what goes over one NIC.
async fn follow(
    client: &Client,
    number: usize,
    device: &Device,
    filter: &[String],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let failed = |why: &str| Failure::Usage(format!("nothing is captured on {}: {why}", device.name));
    let mut argv = ["bash", "-c", CAPTURE, "capture", &device.device].map(str::to_owned).to_vec();
    argv.extend(filter.iter().cloned());
    let mut pipes =
        client.exec_pipes(&device.instance, &Exec::new(argv).timeout(START)).await.map_err(Failure::usage)?;
    let mut reader = Reader::default();
    while let Some(piece) = interrupt.or(pipes.read()).await {
        let Some(piece) = piece.map_err(Failure::usage)? else { break };
        for frame in reader.push(&piece).map_err(|why| failed(&why))? {
            if !print(&stream::packet(number, &frame)) {
                // Nobody reads any more, of whichever NIC.
                interrupt.now();
            }
        }
    }
    if interrupt.is_now() {
        pipes.end().await;
        return Ok(());
    }
    if reader.has_begun() {
        return Ok(());
    }
    Err(failed("tcpdump ended at once; it is not there, or does not understand what to look for"))
}

/// Whether somebody reads it.
fn print(bytes: &[u8]) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}
