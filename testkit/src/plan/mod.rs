//! A plan: everything about a cell that is decided before anything is touched.
//!
//! [`Plan::draw`] turns a cell into instances, NICs, addresses, roles, dialog answers and so into every expectation.
//! It is pure: the same cell and the same [`Segments`] give the same plan.

mod authority;
mod certificates;
mod changes;
mod conversation;
mod database;
mod datapath;
mod dialog;
mod gateway;
mod member;
mod names;
mod network;
mod option;
mod process;
mod recipe;
mod release;
mod service;
mod state;
mod traffic;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::matrix::{Cell, CellId};

pub use authority::{KeyAlgorithm, KeyForm, UserCa};
pub use certificates::planned_certificates;
pub use changes::{Changes, Turnover};
pub use conversation::{Cue, Deed, Shown};
pub use database::{Database, ELECTION_TIMER};
pub use datapath::Datapath;
pub use dialog::{Answer, Reply};
pub use gateway::{GATEWAY_PORT, PHYSICAL, ROUTER, UPLINK, UPLINK_BRIDGE, network_between};
pub use member::{Encap, MAIN_TABLE, Member, Presence, Standstill};
pub use network::{ETHERNET_MTU, Network, Nic, Segment, Segments, StaticRoute};
pub use option::{HostFact, InitOption, Need, Outline};
pub use process::Process;
pub use recipe::{Attempt, Content, File, Recipe, Role};
pub use release::{Plug, Programs, Release, Schemas};
pub use service::Service;
pub use state::State;
pub use traffic::{Burst, Endpoint, OUTSIDE, Overlay, Place, Trial, WIRE_BRIDGE};

/// How a cluster is formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formation {
    /// `microovn init` on a terminal, as a person would.
    #[default]
    Dialog,
    /// `microovn init` with its input and output on pipes, as a script would.
    DialogPiped,
    /// `microovn cluster bootstrap`, `add` and `join`.
    Cli,
    /// `POST /core/control` on the control socket, as MicroCloud does.
    Rest,
    /// MicroCloud, by `microcloud init` on the first member and `microcloud join` on the others, as persons would.
    MicrocloudDialog,
    /// MicroCloud, by `microcloud preseed` on all of them.
    MicrocloudPreseed,
}

impl Formation {
    /// Whether members are asked questions.
    pub fn is_dialog(self) -> bool {
        matches!(self, Self::Dialog | Self::DialogPiped)
    }

    /// Whether MicroCloud forms it, which tells MicroOVN what it was told.
    pub fn is_microcloud(self) -> bool {
        matches!(self, Self::MicrocloudDialog | Self::MicrocloudPreseed)
    }
}

impl fmt::Display for Formation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dialog => "`microovn init` on a terminal",
            Self::DialogPiped => "`microovn init` on pipes",
            Self::Cli => "`microovn cluster bootstrap`, `add` and `join`",
            Self::Rest => "POST /core/control on the control socket",
            Self::MicrocloudDialog => {
                "MicroCloud, by `microcloud init` and `microcloud join` on terminals, all at once"
            }
            Self::MicrocloudPreseed => "MicroCloud, by `microcloud preseed` on every member at once",
        })
    }
}

/// What differs from a cell in a plan that is drawn of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Another name than the cell's, for its instances and folders.
    pub name: Option<CellId>,
    /// Another number of members.
    pub members: Option<usize>,
    /// How many more there are, outside of the cluster.
    pub outside: usize,
    /// What the product must be able to do besides.
    pub needs: Vec<Need>,
}

/// The plan of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The cell it is for.
    pub cell: CellId,
    /// How the cluster is formed.
    pub formation: Formation,
    /// The address ranges its instances live in.
    pub segments: Segments,
    /// What the product must be able to do for this cell.
    pub needs: Vec<Need>,
    /// What must be so when the cluster is formed. Its members are in the order they enter; the first bootstraps.
    pub state: State,
    /// How each member enters, by its host name.
    pub recipes: BTreeMap<String, Recipe>,
    /// What is tried before, and must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Attempt>,
}

impl Plan {
    /// Draws the plan of `cell`: outlined by every option, then a default cluster of that outline, shaped by every
    /// option in order, then what each member is told.
    pub fn draw(cell: &Cell, options: &[&dyn InitOption], segments: Segments) -> Self {
        Self::draw_variant(cell, options, segments, &Variant::default())
    }

    /// The plan of a variant of this cell.
    pub fn draw_variant(cell: &Cell, options: &[&dyn InitOption], segments: Segments, variant: &Variant) -> Self {
        let chosen: Vec<_> = options.iter().map(|option| (*option, cell.value(option.declaration().name))).collect();
        let mut outline = Outline::default();
        for (option, value) in &chosen {
            option.outline(value, &mut outline);
        }
        let entering = variant.members.unwrap_or(outline.members);
        outline.members = entering + variant.outside;
        let id = variant.name.clone().unwrap_or_else(|| cell.id().clone());
        let mut plan = Self::outlined(id, outline, segments);
        for member in plan.state.members.iter_mut().skip(entering) {
            member.presence = Presence::Outside;
        }
        for (option, value) in &chosen {
            option.shape(value, &mut plan);
        }
        plan.needs = chosen.iter().flat_map(|(option, value)| option.needs(value, &plan)).collect();
        plan.needs.extend(variant.needs.iter().filter(|need| !plan.needs.contains(need)).cloned().collect::<Vec<_>>());
        if plan.needs.contains(&Need::Older) {
            plan.state.newer = Some(std::mem::replace(&mut plan.state.release, Release::older()));
        }
        for member in plan.state.members.clone() {
            let mut recipe = plan.recipe(&member).clone();
            for (option, value) in &chosen {
                match plan.formation {
                    Formation::Dialog | Formation::DialogPiped => {
                        recipe.answers.extend(option.answers(value, &plan, &member));
                    }
                    Formation::Cli => recipe.arguments.extend(option.arguments(value, &plan, &member)),
                    Formation::Rest => recipe.config.extend(option.config(value, &plan, &member)),
                    Formation::MicrocloudDialog => {
                        recipe.config.extend(option.config(value, &plan, &member));
                        recipe.cues.extend(option.cues(value, &plan, &member));
                    }
                    Formation::MicrocloudPreseed => {
                        recipe.config.extend(option.config(value, &plan, &member));
                        recipe.preseed.extend(option.preseed(value, &plan, &member));
                    }
                }
                if plan.formation.is_microcloud() && member.presence == Presence::Outside {
                    recipe.added.extend(option.added(value, &plan, &member));
                    if plan.formation == Formation::MicrocloudPreseed {
                        recipe.cues.extend(option.cues(value, &plan, &member));
                    }
                }
            }
            plan.recipes.insert(member.hostname, recipe);
        }
        for (option, value) in &chosen {
            option.spoil(value, &mut plan);
        }
        plan
    }

    /// A cluster with default names, addresses, services and encapsulation, that is told nothing yet.
    pub fn outlined(cell: CellId, outline: Outline, segments: Segments) -> Self {
        let members = (1..=outline.members).map(|n| Member::nth(&cell, &segments, n)).collect();
        let Outline { formation, .. } = outline;
        let state = State { members, ..State::default() };
        Self { cell, formation, segments, needs: Vec::new(), state, recipes: BTreeMap::new(), refused: None }
    }

    /// The member that bootstraps; `None` only for a plan without members.
    pub fn bootstrap(&self) -> Option<&Member> {
        self.state.members.first()
    }

    /// The members that join when the cluster is formed, in order.
    pub fn joiners(&self) -> impl Iterator<Item = &Member> {
        self.state.members.iter().skip(1).filter(|member| member.presence != Presence::Outside)
    }

    /// How this member enters first.
    pub fn role(&self, member: &Member) -> Role {
        match self.bootstrap() {
            Some(first) if first.hostname == member.hostname => Role::Bootstrap,
            _ => Role::Join,
        }
    }

    /// What this member is given and told when it enters.
    pub fn recipe(&self, member: &Member) -> &Recipe {
        self.recipes.get(&member.hostname).unwrap_or(&recipe::NOTHING)
    }

    /// That of a member, to be changed.
    pub fn recipe_mut(&mut self, hostname: &str) -> &mut Recipe {
        self.recipes.entry(hostname.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_as_many_members_as_it_is_sized() {
        let cell = Cell::new(&[], &[]).expect("a cell");
        for size in [1, 3, 9] {
            assert_eq!(
                Plan::draw_variant(
                    &cell,
                    &[],
                    Segments::documentation(),
                    &Variant { members: Some(size), ..Variant::default() }
                )
                .state
                .members
                .len(),
                size
            );
        }
    }
}
