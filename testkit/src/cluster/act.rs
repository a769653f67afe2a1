//! Doing the acts of a step: one thing to one member, and what was said of it.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::authority::Authority;
use super::station::Done;
use super::{ClusterError, Members, Site, forge, formation, lxd, offer, propagation};
use crate::journey::{Act, What};
use crate::lxd::{Client, Exec, StateAction, StateChange};
use crate::microovn::{commands, redact};
use crate::ovn::RaftStatus;
use crate::plan::{Database, Network, Plan, Process, State};
use crate::report::{Evidence, chain};
use crate::wait::{self, Pace, Poll, WaitError};

/// Booting, and until MicroOVN's daemon answers.
const BOOT: Duration = Duration::from_secs(180);
/// A list of the members, which takes over 30 s just after one died.
const LIST: Duration = Duration::from_secs(45);
/// Recorded: members are given their votes within half a minute.
const VOTES: Pace = Pace::new(120, 1000);
/// So many members vote at the most.
const VOTERS: usize = 3;
/// What was begun is looked at so often; the act itself says for how long.
const LOOKS_MS: u64 = 1000;
/// A server stands for election after its election timer, which may be a minute, and again.
const LEADER: Pace = Pace::new(120, 500);
/// A short command of the system.
const COMMAND: Duration = Duration::from_secs(30);

/// Who does acts.
pub(super) struct Hand<'a> {
    pub(super) site: &'a Site,
    pub(super) client: &'a Client,
    pub(super) plan: &'a Plan,
    pub(super) instances: &'a Members,
    pub(super) evidence: &'a Evidence,
    /// The authority that the step gives the cluster, if it gives one.
    pub(super) authority: Option<&'a Authority>,
}

impl Hand<'_> {
    /// Does one act. What does not come about as wanted is no error: it is in what is returned.
    pub(super) async fn act(&self, state: &State, act: &Act) -> Done {
        let begun = Instant::now();
        let within = wait::patience(Duration::from_secs(act.seconds));
        let mut untried = false;
        let (code, said) = match tokio::time::timeout(within, self.attempt(state, act)).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => {
                untried = !error.is_of_product();
                (-1, chain(&error))
            }
            Err(_) => (-1, format!("nothing came of it within {} s", within.as_secs())),
        };
        let differs = match code {
            -1 => Some(said.lines().next().unwrap_or("nothing was said").to_owned()),
            code => act.differs(code, &said),
        };
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Done { act: act.clone(), said: redact(&said), code, ms, differs, untried }
    }

    /// An exit code and what was said; an error where nothing was tried, or LXD failed.
    async fn attempt(&self, state: &State, act: &Act) -> Result<(i32, String), ClusterError> {
        let instance = self.instances.get(&act.on).map(String::as_str).unwrap_or_default();
        match &act.what {
            What::Run(argv) => {
                let exec = Exec::new(argv.iter().map(String::as_str)).timeout(Duration::from_secs(act.seconds));
                self.exec(instance, &exec).await
            }
            What::Await(argv) => self.await_words(instance, act, argv).await,
            What::Lead { database, among, argv } => {
                let leader = match self.leader(*database, among).await {
                    Ok(leader) => leader,
                    Err(why) => return Ok((1, why)),
                };
                let exec = Exec::new(argv.iter().map(String::as_str)).timeout(Duration::from_secs(act.seconds));
                let (code, said) = self.exec(leader, &exec).await?;
                Ok((code, format!("{leader} leads\n{said}")))
            }
            What::Enter { by } => {
                let by = self.instances.get(by).map_or("", String::as_str);
                formation::enter_later(self.client, self.plan, &act.on, instance, by, self.evidence).await?;
                Ok((0, String::new()))
            }
            What::AddByMicrocloud { by } => {
                formation::add_by_microcloud(self.client, self.plan, &act.on, by, self.instances, self.evidence)
                    .await?;
                Ok((0, String::new()))
            }
            What::Propagate => {
                let verdict = propagation::propagation(self.client, state, self.instances).await;
                Ok((i32::from(!verdict.passed()), verdict.to_string()))
            }
            What::Lay => Ok(match super::lay::lay(self.client, state, self.instances).await {
                Ok(_) => (0, String::new()),
                Err(why) => (1, why),
            }),
            What::BringLxd => lxd::bring(self.site, instance, Duration::from_secs(act.seconds)).await,
            What::Offer(offer) => {
                let within = Duration::from_secs(act.seconds);
                offer::make(self.client, instance, offer, self.authority, within).await
            }
            What::Forge { stems, days } => {
                let within = Duration::from_secs(act.seconds);
                self.exec(instance, &forge::exec(&act.on, stems, *days, within)).await
            }
            What::Vote => self.vote(instance).await,
            What::Stop => self.shut_down(instance).await,
            What::CutPower => self.change(instance, StateAction::Stop, true).await,
            What::Start => {
                self.change(instance, StateAction::Start, false).await?;
                let at = super::ready::wait_ready(self.client, &act.on, instance).await?;
                Ok((0, at))
            }
            What::Reboot { with } => self.reboot([&act.on].into_iter().chain(with)).await,
            What::Freeze => self.change(instance, StateAction::Freeze, false).await,
            What::Thaw => self.change(instance, StateAction::Unfreeze, false).await,
            What::Kill { process, signal } => self.kill(instance, *process, signal).await,
            What::Cut(network) => self.link(state, act, *network, "down").await,
            What::Heal(network) => self.link(state, act, *network, "up").await,
        }
    }

    async fn exec(&self, instance: &str, exec: &Exec) -> Result<(i32, String), ClusterError> {
        let output = self.client.exec(instance, exec).await?;
        Ok((output.exit_code, format!("{}{}", output.stdout_text(), output.stderr_text())))
    }

    /// Runs a command until it says what is wanted of the act, or the act's time is nearly over.
    async fn await_words(&self, instance: &str, act: &Act, argv: &[String]) -> Result<(i32, String), ClusterError> {
        let exec = Exec::new(argv.iter().map(String::as_str)).timeout(COMMAND);
        let pace = Pace::new(act.seconds.saturating_sub(COMMAND.as_secs()), LOOKS_MS);
        let looks = wait::until("what is wanted to be said", pace, async || match self.exec(instance, &exec).await {
            Err(error) => Poll::Failed(error),
            Ok((code, said)) => match act.differs(code, &said) {
                None => Poll::Ready((code, said)),
                Some(differs) => Poll::NotYet(format!("{differs}\n{said}")),
            },
        });
        match looks.await {
            Ok(done) => Ok(done),
            Err(WaitError::Failed { source, .. }) => Err(source),
            Err(late) => Ok((1, late.to_string())),
        }
    }

    /// The instance of that of these members whose server leads a database; why there is none.
    async fn leader(&self, database: Database, among: &[String]) -> Result<&str, String> {
        let argv = match database {
            Database::Northbound => commands::northbound_raft(),
            Database::Southbound => commands::southbound_raft(),
        };
        let exec = Exec::new(argv.iter().map(String::as_str)).timeout(COMMAND);
        let found = wait::until(format!("a server to lead {database}"), LEADER, async || {
            let mut seen = Vec::new();
            for instance in among.iter().filter_map(|name| self.instances.get(name)) {
                let status = match self.exec(instance, &exec).await {
                    Ok((_, said)) => RaftStatus::parse(&said),
                    Err(error) => return Poll::Failed(error),
                };
                match status {
                    Ok(status) if status.role == "leader" => return Poll::Ready(instance.as_str()),
                    Ok(status) => seen.push(status.role),
                    Err(error) => seen.push(error.to_string()),
                }
            }
            Poll::NotYet(seen.join(", "))
        });
        found.await.map_err(|error| chain(&error))
    }

    async fn change(&self, instance: &str, action: StateAction, force: bool) -> Result<(i32, String), ClusterError> {
        let change = StateChange { action, force, timeout: None };
        self.client.set_state(instance, change, wait::patience(BOOT)).await?;
        Ok((0, String::new()))
    }

    async fn shut_down(&self, instance: &str) -> Result<(i32, String), ClusterError> {
        self.client.shut_down_instance(instance, wait::patience(BOOT)).await?;
        Ok((0, String::new()))
    }

    /// Waits until as many members vote as the cluster can have. MicroOVN gives members their votes some time after they joined,
    /// and until then its database may not go on without one that is down.
    async fn vote(&self, instance: &str) -> Result<(i32, String), ClusterError> {
        let argv = crate::microovn::commands::members();
        let read = Exec::new(argv.iter().map(String::as_str)).timeout(LIST);
        let looks = wait::until("the members to vote", VOTES, async || {
            let output = match self.client.exec(instance, &read).await {
                Ok(output) => output,
                Err(error) => return Poll::Failed(error),
            };
            let roles: Vec<String> = match crate::microovn::parse_members(&output.stdout_text()) {
                Ok(list) => list.into_iter().map(|member| member.role).collect(),
                Err(error) => return Poll::NotYet(format!("{error}; {}", output.stderr_text().trim())),
            };
            let voters = roles.iter().filter(|role| *role == "voter").count();
            if voters == roles.len().min(VOTERS) {
                Poll::Ready(roles.join(", "))
            } else {
                Poll::NotYet(roles.join(", "))
            }
        });
        match looks.await {
            Ok(roles) => Ok((0, roles)),
            Err(error) => Ok((1, chain(&error))),
        }
    }

    /// Boots instances again, all at the same time, until the daemons of all answer.
    async fn reboot(&self, members: impl Iterator<Item = &String>) -> Result<(i32, String), ClusterError> {
        let boots = members.map(async |member| {
            let instance = self.instances.get(member).map(String::as_str).unwrap_or_default();
            self.shut_down(instance).await?;
            self.change(instance, StateAction::Start, false).await?;
            super::ready::wait_ready(self.client, member, instance).await
        });
        let at = try_join_all(boots).await?;
        Ok((0, at.join("\n")))
    }

    /// Sends a signal to a daemon, by the process id that the kernel knows it by.
    async fn kill(&self, instance: &str, process: Process, signal: &str) -> Result<(i32, String), ClusterError> {
        let read = crate::microovn::commands::daemons();
        let output = self.client.exec(instance, &Exec::new(read.iter().map(String::as_str)).timeout(COMMAND)).await?;
        let daemons = crate::microovn::Daemon::parse_all(&output.stdout_text()).unwrap_or_default();
        let Some(daemon) = daemons.iter().find(|daemon| daemon.process() == Some(process)) else {
            return Ok((1, format!("{process} does not run")));
        };
        let pid = daemon.identity.0.to_string();
        self.exec(instance, &Exec::new(["kill", "-s", signal, &pid]).timeout(COMMAND)).await
    }

    /// Takes the links of a member's NICs on a network away, or gives them back with what networkd has configured on them.
    async fn link(&self, state: &State, act: &Act, network: Network, to: &str) -> Result<(i32, String), ClusterError> {
        let instance = self.instances.get(&act.on).map(String::as_str).unwrap_or_default();
        let mut done = (1, format!("{} has no NIC on the {network} network", act.on));
        for nic in state.find(&act.on).into_iter().flat_map(|member| member.nics_on(network)) {
            let set = Exec::new(["ip", "link", "set", "dev", &nic.device, to]).timeout(COMMAND);
            done = self.exec(instance, &set).await?;
            if to == "up" && done.0 == 0 {
                let anew = Exec::new(["networkctl", "reconfigure", &nic.device]).timeout(COMMAND);
                done = self.exec(instance, &anew).await?;
            }
            if done.0 != 0 {
                break;
            }
        }
        Ok(done)
    }
}
