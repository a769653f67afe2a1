//! How fast packets cross by tunnels over the underlay, beside the bare NIC: between the same two members, turn by turn.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use testkit::cli::{Catalogue, Cells, Failure};
use testkit::cluster::{self, Manifest, Order, PATH, Site};
use testkit::config::Config;
use testkit::host;
use testkit::lxd::Exec;
use testkit::matrix::Cell;
use testkit::plan::{self, Member, Network, Overlay, State, Variant};

use super::figures::{Quantity, ratio, samples};
use super::machine::Machine;
use super::measures::remove;
use super::{median, open};
use crate::paper::{Paper, table};

/// Where tunnels are on an underlay of their own.
const CELL: &str = "init_cluster_custom_encap";
/// How long one stream sends, in seconds.
const STREAM: &str = "3";
/// How many echo requests are sent, and how many milliseconds apart.
const ECHOES: [&str; 2] = ["200", "5"];
const PATIENCE: Duration = Duration::from_secs(30);
/// Receives one stream and ends: in the network namespace $1, where there is one, at the address $2.
const RECEIVE: &str = r#"exec ${1:+ip netns exec "$1"} iperf3 --server --one-off --bind "$2" >/dev/null"#;
/// Sends one, when there is somebody who listens. With `--json` iperf3 ends well where it could not connect.
const SEND: &str = r#"for _ in {1..20}; do
    said=$(${1:+ip netns exec "$1"} iperf3 --client "$2" --time "$3" --json --connect-timeout 1000) || true
    [[ $said == *'"error"'* ]] || break
    sleep 0.1
done
printf '%s' "$said"
[[ $said != *'"error"'* ]]"#;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Packets {
    machine: Machine,
    datapath: plan::Datapath,
    throughput: Compared,
    latency: Compared,
}

/// The bare NIC, and the endpoint on a logical network. Throughput is in kbit/s of TCP, latency in microseconds of a small packet
/// there and back, the median of a round.
#[derive(Debug, Default, Serialize)]
struct Compared {
    #[serde(serialize_with = "samples")]
    bare: Vec<u64>,
    #[serde(serialize_with = "samples")]
    tunnel: Vec<u64>,
}

impl Compared {
    /// The tunnel's to the bare NIC's.
    fn ratio(&self) -> f64 {
        ratio(median(&self.tunnel), median(&self.bare))
    }
}

/// Measures on the datapath that is decided for members of this host.
pub(super) async fn measure(config: &Config, catalogue: &Catalogue, rounds: usize) -> Result<Packets, Failure> {
    if let Some(why) = host::without_packets(config) {
        return Err(Failure::Usage(why));
    }
    let site = open(&Config { traffic: true, ..config.clone() }).await?;
    let machine = Machine::examine(&site).await?;
    let cell = Cells::of(catalogue)?.find(CELL)?;
    let measured = cross(&site, catalogue, &cell, rounds).await;
    let removed = remove(&site, &cell).await;
    let (datapath, throughput, latency) = measured?;
    removed.map(|()| Packets { machine, datapath, throughput, latency })
}

async fn cross(
    site: &Site,
    catalogue: &Catalogue,
    cell: &Cell,
    rounds: usize,
) -> Result<(plan::Datapath, Compared, Compared), Failure> {
    let dir = site.run.cell_dir(CELL).map_err(Failure::usage)?;
    let variant = Variant { members: Some(2), ..Variant::default() };
    let order = Order { cell, options: catalogue.options, variant: &variant };
    let manifest = cluster::provision(site, order, &dir).await.map_err(Failure::cluster)?;
    let state = &manifest.plan.state;
    let nothing = |why| Failure::Provisioning(format!("there is nothing to measure: {why}"));
    if let Some(why) = manifest.no_traffic.clone().or_else(|| unsettled(&manifest)) {
        return Err(nothing(why));
    }
    let datapath = state.datapath.ok_or_else(|| nothing("no datapath was decided".to_owned()))?;
    let ways = ways(&manifest)?;
    let mtu = state.talkers().map(State::inner_mtu).min().unwrap_or_default();
    for way in &ways {
        way.bound(site, mtu).await?;
    }
    let (mut throughput, mut latency) = (Compared::default(), Compared::default());
    for _ in 0..rounds {
        for (way, bare) in ways.iter().zip([true, false]) {
            let [fast, late] = way.measure(site).await?;
            for (compared, seen) in [(&mut throughput, fast), (&mut latency, late)] {
                if bare { &mut compared.bare } else { &mut compared.tunnel }.push(seen);
            }
        }
    }
    Ok((datapath, throughput, latency))
}

/// What of a cluster is not as planned, where something is.
fn unsettled(manifest: &Manifest) -> Option<String> {
    let wrong = &manifest.settled.unsatisfied;
    (!wrong.is_empty()).then(|| format!("the cluster did not become as planned: {}", wrong.join(", ")))
}

/// A way from the first member to the second.
struct Way {
    /// The network namespace of both ends; empty where it is the member's own.
    namespace: String,
    to: IpAddr,
    ends: [String; 2],
}

/// By the bare NIC of management, which is as that of the underlay, and by the tunnel.
fn ways(manifest: &Manifest) -> Result<[Way; 2], Failure> {
    let state = &manifest.plan.state;
    let [first, second] = &state.members[..] else {
        return Err(Failure::Usage(format!("{} members are not two", state.members.len())));
    };
    let instance = |member: &Member| manifest.instances.get(&member.name).cloned().unwrap_or_default();
    let ends = [instance(first), instance(second)];
    let bare = second.find_nic(Network::Management).and_then(|nic| nic.find_address(false));
    let bare = bare.ok_or_else(|| Failure::Usage(format!("{} has no address of IPv4", second.name)))?;
    let inner = state.endpoints(second)[Overlay::Red as usize].place.address(false);
    let way = |namespace: &str, to| Way { namespace: namespace.to_owned(), to, ends: ends.clone() };
    Ok([way("", bare), way(&Overlay::Red.to_string(), inner)])
}

impl Way {
    /// Tells TCP how much crosses: endpoints send what is too large, so that it is seen not to cross.
    async fn bound(&self, site: &Site, mtu: u16) -> Result<(), Failure> {
        if !self.namespace.is_empty() {
            let mtu = mtu.to_string();
            for end in &self.ends {
                let set = ["ip", "-n", &self.namespace, "link", "set", "eth0", "mtu", &mtu];
                self.run(site, end, &set).await?;
            }
        }
        Ok(())
    }

    /// Its throughput in kbit/s, and its latency in microseconds.
    async fn measure(&self, site: &Site) -> Result<[u64; 2], Failure> {
        let [from, at] = &self.ends;
        let to = self.to.to_string();
        let receive = ["bash", "-c", RECEIVE, "receive", &self.namespace, &to];
        let send = ["bash", "-c", SEND, "send", &self.namespace, &to, STREAM];
        let (_, sent) = tokio::try_join!(self.run(site, at, &receive), self.run(site, from, &send))?;
        let [count, apart] = ECHOES;
        let fping = ["fping", "-q", "-C", count, "-p", apart, &to];
        let within = ["ip", "netns", "exec", &self.namespace];
        let within = if self.namespace.is_empty() { &[][..] } else { &within[..] };
        let echoed = self.run(site, from, &[within, &fping].concat()).await?;
        let unclear = |said: &str| Failure::Provisioning(format!("{to} was reached, and it was said: {said}"));
        Ok([
            kilobits(&sent.0).ok_or_else(|| unclear(&sent.0))?,
            microseconds(&echoed.1).ok_or_else(|| unclear(&echoed.1))?,
        ])
    }

    /// Runs something on an instance: its standard output and standard error.
    async fn run(&self, site: &Site, instance: &str, argv: &[&str]) -> Result<(String, String), Failure> {
        let exec = Exec::new(argv.iter().copied()).env("PATH", PATH).timeout(PATIENCE);
        let output = site.client.exec(instance, &exec).await.map_err(Failure::provisioning)?;
        if output.success() {
            return Ok((output.stdout_text(), output.stderr_text()));
        }
        let (words, code) = (argv.join(" "), output.exit_code);
        let said = format!("{}{}", output.stdout_text(), output.stderr_text());
        Err(Failure::Provisioning(format!("{instance}: `{words}` exited with {code}: {}", said.trim())))
    }
}

/// What iperf3 received of a stream, in kbit/s.
fn kilobits(json: &str) -> Option<u64> {
    let said: Value = serde_json::from_str(json).ok()?;
    let bits = said["end"]["sum_received"]["bits_per_second"].as_f64()?;
    (bits > 0.0).then_some((bits / 1000.0) as u64)
}

/// The median of what fping says of each packet, in microseconds; one that was lost is `-`.
fn microseconds(said: &str) -> Option<u64> {
    let (_, times) = said.trim().rsplit_once(" : ")?;
    let times = times.split_whitespace().filter_map(|time| time.parse::<f64>().ok());
    let times: Vec<u64> = times.map(|ms| (ms * 1000.0) as u64).collect();
    (!times.is_empty()).then(|| median(&times))
}

impl Packets {
    pub(super) fn paper(&self) -> Paper {
        let mut paper = Paper::default();
        paper.text(self.machine.to_string());
        paper.text(
            "Two members: from one's NIC to the other's, and from one's endpoint on a logical network to the other's, by a tunnel over \
             such a NIC. Medians; one stream of TCP, and a small packet there and back.",
        );
        paper.text(format!("What carries packets: {}.", self.datapath));
        let mut rows = table(&["what", "bare NIC", "tunnel", "tunnel to bare"].map(str::to_owned), 1);
        let mut tell = |what: &str, compared: &Compared, told: fn(u64) -> String| {
            let [bare, tunnel] = [&compared.bare, &compared.tunnel].map(|samples| told(median(samples)));
            rows.add_row([what.to_owned(), bare, tunnel, Quantity::Ratio(compared.ratio()).to_string()]);
        };
        tell("throughput", &self.throughput, |kilobits| format!("{} Mbit/s", kilobits / 1000));
        tell("there and back", &self.latency, |micros| format!("{micros} µs"));
        paper.table(rows);
        paper
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_say_is_read_in_their_units() {
        let refused = r#"{"start":{},"error":"unable to connect to server: Connection refused"}"#;
        let sent = r#"{"end":{"sum_sent":{"bits_per_second":9e9},"sum_received":{"bits_per_second":1234567890.5}}}"#;
        assert_eq!(kilobits(sent), Some(1_234_567));
        assert_eq!((kilobits(refused), kilobits("")), (None, None));
        assert_eq!(microseconds("198.19.1.2 : 0.91 0.30 - 0.35\n"), Some(350));
        assert_eq!((microseconds("198.19.1.2 : - -\n"), microseconds("")), (None, None));
    }
}
