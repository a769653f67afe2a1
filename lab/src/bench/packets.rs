//! How fast packets cross by tunnels over the underlay, beside the bare NIC: between the same two members, turn by turn.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use testkit::cli::{Catalogue, Cells, Failure};
use testkit::cluster::{self, Manifest, Order, PATH, Site};
use testkit::config::{Config, Datapath};
use testkit::host;
use testkit::lxd::Exec;
use testkit::plan::{Member, Network, Overlay, State, Variant};

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
    datapaths: Vec<Crossed>,
    /// The datapaths that this host does not have, with the reason.
    left_out: Vec<(&'static str, String)>,
}

/// Over one datapath.
#[derive(Debug, Serialize)]
struct Crossed {
    datapath: &'static str,
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

/// Measures on each datapath that this host has.
pub(super) async fn measure(config: &Config, catalogue: &Catalogue, rounds: usize) -> Result<Packets, Failure> {
    let (mut machine, mut datapaths, mut left_out) = (None, Vec::new(), Vec::new());
    for (name, datapath) in [("kernel", Datapath::Kernel), ("userspace", Datapath::Userspace)] {
        let config = Config { datapath, traffic: true, ..config.clone() };
        if let Some(why) = host::without_packets(&config) {
            // That nothing else is tried instead is what this is about.
            left_out.push((name, why.split(", and ").next().unwrap_or_default().to_owned()));
            continue;
        }
        let site = open(&config).await?;
        machine = Some(Machine::examine(&site).await?);
        datapaths.push(cross(&site, catalogue, name, rounds).await?);
    }
    let nothing =
        || Failure::Usage(left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "));
    let machine = machine.ok_or_else(nothing)?;
    Ok(Packets { machine, datapaths, left_out })
}

async fn cross(site: &Site, catalogue: &Catalogue, datapath: &'static str, rounds: usize) -> Result<Crossed, Failure> {
    let cell = Cells::of(catalogue)?.find(CELL)?;
    let dir = site.run.cell_dir(CELL).map_err(Failure::usage)?;
    let variant = Variant { members: Some(2), ..Variant::default() };
    let order = Order { cell: &cell, options: catalogue.options, variant: &variant };
    let measured = async {
        let manifest = cluster::provision(site, order, &dir).await.map_err(Failure::cluster)?;
        if let Some(why) = manifest.no_traffic.clone().or_else(|| unsettled(&manifest)) {
            return Err(Failure::Provisioning(format!("there is nothing to measure: {why}")));
        }
        let mut crossed = Crossed { datapath, throughput: Compared::default(), latency: Compared::default() };
        let ways = ways(&manifest)?;
        let mtu = manifest.plan.state.talkers().map(State::inner_mtu).min().unwrap_or_default();
        for way in &ways {
            way.bound(site, mtu).await?;
        }
        for _ in 0..rounds {
            for (way, bare) in ways.iter().zip([true, false]) {
                let (of, [throughput, latency]) = (&mut crossed, way.measure(site).await?);
                for (compared, seen) in [(&mut of.throughput, throughput), (&mut of.latency, latency)] {
                    if bare { &mut compared.bare } else { &mut compared.tunnel }.push(seen);
                }
            }
        }
        Ok(crossed)
    };
    let measured = measured.await;
    let removed = remove(site, &cell).await;
    measured.and_then(|crossed| removed.map(|()| crossed))
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
        let mut rows = table(&["datapath", "what", "bare NIC", "tunnel", "tunnel to bare"].map(str::to_owned), 2);
        for Crossed { datapath, throughput, latency } in &self.datapaths {
            let mbits = |it: &[u64]| format!("{} Mbit/s", median(it) / 1000);
            let micros = |it: &[u64]| format!("{} µs", median(it));
            let figures: [(&str, &Compared, &dyn Fn(&[u64]) -> String); 2] =
                [("throughput", throughput, &mbits), ("there and back", latency, &micros)];
            for (what, compared, tell) in figures {
                let told =
                    [tell(&compared.bare), tell(&compared.tunnel), Quantity::Ratio(compared.ratio()).to_string()];
                rows.add_row([*datapath, what].map(str::to_owned).into_iter().chain(told));
            }
        }
        paper.table(rows);
        for (datapath, why) in &self.left_out {
            paper.text(format!("Not over the {datapath} datapath: {why}."));
        }
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
