//! The host that is measured on: what it is, what each of its cores did, and how much of its memory was in use.

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use comfy_table::Table;
use jiff::civil::Date;
use procfs::{CpuInfo, CpuTime, Current, CurrentSI, KernelStats, Meminfo};
use serde::Serialize;

use super::figures::seconds;
use crate::paper::table;
use testkit::cli::Failure;
#[cfg(test)]
use testkit::cluster::Product;
use testkit::cluster::Site;

/// Between two looks at the memory.
const EVERY: Duration = Duration::from_millis(200);

/// How many processors this host has.
pub(super) fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// What is measured on, and when.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    date: Date,
    cores: u64,
    /// The model of the cores, where the kernel knows it.
    processor: Option<String>,
    memory_bytes: u64,
    /// The version of Linux, and of LXD.
    linux: String,
    lxd: String,
    /// The driver of the storage pool.
    storage: String,
}

impl Machine {
    /// This host, with the LXD and the storage pool of `site`.
    pub(crate) async fn examine(site: &Site) -> Result<Self, Failure> {
        let pool = site.client.get_storage_pool(&site.config.pool).await.map_err(Failure::provisioning)?;
        Ok(Self {
            date: jiff::Zoned::now().date(),
            cores: processors(),
            processor: CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned)),
            memory_bytes: Meminfo::current().map_or(0, |memory| memory.mem_total),
            linux: rustix::system::uname().release().to_string_lossy().into_owned(),
            lxd: site.client.server().release(),
            storage: pool.value.driver,
        })
    }

    pub(super) fn cores(&self) -> u64 {
        self.cores
    }
}

#[cfg(test)]
impl Machine {
    /// One that there is not.
    pub(crate) fn example() -> Self {
        Self {
            date: jiff::civil::date(2026, 11, 21),
            cores: 2,
            processor: Some("EPYC".to_owned()),
            memory_bytes: 25_232_932_864,
            linux: "6.18".to_owned(),
            lxd: "5.0.2".to_owned(),
            storage: "btrfs".to_owned(),
        }
    }
}

/// A product that there is not.
#[cfg(test)]
pub(crate) fn product() -> Product {
    Product {
        stand_in: true,
        name: "microovn".into(),
        version: "26.03".into(),
        sha256: "e68d".into(),
        datapath: None,
        microcloud: None,
    }
}

/// What programs get, without the machine and the product that it begins with.
#[cfg(test)]
pub(crate) fn without_head(found: &impl Serialize) -> String {
    let mut value = serde_json::to_value(found).expect("JSON");
    let object = value.as_object_mut().expect("an object");
    assert_eq!(object.shift_remove("machine"), serde_json::to_value(Machine::example()).ok());
    assert_eq!(object.shift_remove("product"), serde_json::to_value(product()).ok());
    serde_json::to_string_pretty(&value).expect("JSON")
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, cores, processor, memory_bytes: memory, linux, lxd, storage } = self;
        let processor = processor.as_deref().unwrap_or("unknown model");
        let (gibibytes, tenths) = (memory >> 30, ((memory % (1 << 30)) * 10) >> 30);
        write!(
            f,
            "Measured on {date}: {cores} cores ({processor}), {gibibytes}.{tenths} GiB of memory, Linux {linux}, LXD \
             {lxd}, storage {storage}."
        )
    }
}

/// What one core did, in milliseconds. Everything on the host counts, not only what is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Core {
    #[serde(rename = "busy_ms")]
    busy: u64,
    #[serde(rename = "idle_ms")]
    idle: u64,
    #[serde(rename = "iowait_ms")]
    iowait: u64,
    #[serde(rename = "steal_ms")]
    steal: u64,
}

impl Core {
    fn of(time: &CpuTime) -> Self {
        let some = |value: Option<u64>| value.unwrap_or_default();
        Self {
            busy: time.user_ms() + time.nice_ms() + time.system_ms() + some(time.irq_ms()) + some(time.softirq_ms()),
            idle: time.idle_ms(),
            iowait: some(time.iowait_ms()),
            steal: some(time.steal_ms()),
        }
    }

    /// What was added since. The kernel says that waiting may decrease.
    fn since(self, before: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(before.busy),
            idle: self.idle.saturating_sub(before.idle),
            iowait: self.iowait.saturating_sub(before.iowait),
            steal: self.steal.saturating_sub(before.steal),
        }
    }
}

fn cores() -> Vec<Core> {
    KernelStats::current().map(|stats| stats.cpu_time.iter().map(Core::of).collect()).unwrap_or_default()
}

/// What each core did.
pub(super) fn cores_table(cores: &[Core]) -> Table {
    let mut all = table(&["core", "busy", "idle", "waiting for disk", "stolen"].map(str::to_owned), 1);
    for (index, core) in cores.iter().enumerate() {
        all.add_row([
            index.to_string(),
            seconds(core.busy),
            seconds(core.idle),
            seconds(core.iowait),
            seconds(core.steal),
        ]);
    }
    all
}

/// Milliseconds in which the cores were busy, in sum.
pub(super) fn busy(cores: &[Core]) -> u64 {
    cores.iter().map(|core| core.busy).sum()
}

/// Percent of the time of all cores in which they were busy.
pub(super) fn busy_percent(cores: &[Core]) -> u64 {
    let all: u64 = cores.iter().map(|core| core.busy + core.idle + core.iowait + core.steal).sum();
    100 * busy(cores) / all.max(1)
}

/// Watches cores and memory from its making to its end.
pub(super) struct Watch {
    cores: Vec<Core>,
    stop: Sender<()>,
    memory: JoinHandle<Memory>,
}

/// Memory of this host that is in use: all but what the kernel calls available, in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Memory {
    /// At the begin.
    #[serde(rename = "before_bytes")]
    before: u64,
    /// The most that was in use.
    #[serde(rename = "peak_bytes")]
    pub(super) peak: u64,
}

impl Memory {
    /// The most that was in use beyond what was at the begin.
    pub(super) fn grown(self) -> u64 {
        self.peak.saturating_sub(self.before)
    }

    fn see(self, used: u64) -> Self {
        Self { before: self.before, peak: self.peak.max(used) }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) cores: Vec<Core>,
    pub(super) memory: Memory,
}

impl Watch {
    pub(super) fn begin() -> Self {
        let (stop, stopped) = mpsc::channel();
        let memory = std::thread::spawn(move || {
            let before = used();
            let mut memory = Memory { before, peak: before };
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                memory = memory.see(used());
            }
            memory.see(used())
        });
        Self { cores: cores(), stop, memory }
    }

    pub(super) fn end(self) -> Seen {
        let cores = cores().into_iter().zip(self.cores).map(|(after, before)| after.since(before)).collect();
        drop(self.stop);
        Seen { cores, memory: self.memory.join().unwrap_or_default() }
    }
}

/// Bytes of memory in use; 0 where the kernel does not say.
fn used() -> u64 {
    let memory = Meminfo::current().ok();
    memory.and_then(|memory| Some(memory.mem_total.saturating_sub(memory.mem_available?))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_told_by_what_was_added() {
        let core = |busy, idle, iowait, steal| Core { busy, idle, iowait, steal };
        assert_eq!(core(50, 60, 7, 8).since(core(20, 10, 9, 8)), core(30, 50, 0, 0));
        assert_eq!(busy_percent(&[core(30, 70, 0, 0), core(60, 20, 10, 10)]), 45);
        assert_eq!(busy_percent(&[]), 0);
    }

    #[test]
    fn programs_get_a_machine_field_by_field() {
        let wanted = serde_json::json!({
            "date": "2026-11-21",
            "cores": 2,
            "processor": "EPYC",
            "memory_bytes": 25_232_932_864_u64,
            "linux": "6.18",
            "lxd": "5.0.2",
            "storage": "btrfs",
        });
        assert_eq!(serde_json::json!(Machine::example()), wanted);
    }

    #[test]
    fn a_machine_is_described_in_a_line() {
        let wanted =
            "Measured on 2026-11-21: 2 cores (EPYC), 23.5 GiB of memory, Linux 6.18, LXD 5.0.2, storage btrfs.";
        assert_eq!(Machine::example().to_string(), wanted);
    }

    #[test]
    fn memory_is_the_most_that_was_seen() {
        let memory = [30, 70, 20].into_iter().fold(Memory { before: 20, peak: 20 }, Memory::see);
        assert_eq!((memory.peak, memory.grown()), (70, 50));
    }

    #[test]
    fn this_host_is_watched() {
        let watch = Watch::begin();
        let seen = watch.end();
        assert!(!seen.cores.is_empty() && seen.memory.peak > 0, "{seen:?}");
    }
}
