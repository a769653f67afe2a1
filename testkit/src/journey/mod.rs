//! Journeys: a cluster and the steps that are taken from it, one after the other. Pure: what is planned here is done by
//! `cluster`.
//!
//! - A [`Step`] is a transition of the model and of the real cluster at once: what is done ([`Act`]), what is wanted of
//!   that, and what it makes of the [`State`].
//! - A [`Station`] is what must be so after a step; station 0 is the cluster as it was formed.
//! - A [`Journey`] has a name that a person types. [`Journey::draw`] plans every station before anything is touched.

mod act;
mod offer;
mod step;
mod watch;

use std::panic::Location;

use serde::{Deserialize, Serialize};

pub use act::{Act, Want, What};
pub use offer::{Handed, OFFERED_CERTIFICATE, OFFERED_KEY, Offer};
pub use step::{Step, StepKind};
pub use watch::{Bound, Watch, Watched};

use crate::plan::{Changes, Need, State};

/// A cluster and the steps that are taken from it.
#[derive(Clone, Copy)]
pub struct Journey {
    /// Its name, an identifier: `downscale`.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub about: &'static str,
    /// The choices that name the cell it starts from.
    pub cell: &'static [(&'static str, &'static str)],
    /// Another number of members than the cell has.
    pub members: Option<usize>,
    /// How many more there are, which enter on the way.
    pub outside: usize,
    /// Its steps, in order.
    pub steps: fn(&mut Itinerary),
}

/// The steps of a journey, each with where it is written.
#[derive(Debug, Default)]
pub struct Itinerary {
    steps: Vec<(Box<dyn Step>, &'static Location<'static>)>,
}

impl Itinerary {
    /// Takes a step.
    #[track_caller]
    pub fn take(&mut self, step: impl Step + 'static) {
        self.steps.push((Box::new(step), Location::caller()));
    }
}

/// What is planned of a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Its number, counted from 0, which is the cluster as it was formed.
    pub number: usize,
    /// What leads to it, an identifier.
    pub words: String,
    /// What leads to it, for a person.
    pub about: String,
    /// What is done.
    pub acts: Vec<Act>,
    /// What is observed meanwhile.
    pub watches: Vec<Watch>,
    /// What must be so then.
    pub state: State,
}

/// A journey that cannot be gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: step {number} of {journey} is impossible: {about}: {why}\n  the state it would be taken from: {state}")]
pub struct Impossible {
    /// Where the step is written: file and line.
    pub at: String,
    /// Its number, counted from 1.
    pub number: usize,
    /// The journey.
    pub journey: String,
    /// What it would be.
    pub about: String,
    /// Why it is none.
    pub why: String,
    /// The state before it.
    pub state: String,
}

/// What a step makes of this state, with what the product makes of that by itself.
pub fn state_after(step: &dyn Step, from: &State) -> State {
    let mut state = State { since: Some(Changes::default()), ..from.clone() };
    step.effect(&mut state);
    // What changes nothing restarts nothing.
    let changed = state != State { since: Some(Changes::default()), ..from.clone() };
    state.tapped &= step.leaves_tap() || !changed;
    state.convert_when_due();
    state.forget_servers();
    state
}

impl Station {
    /// The one that a step leads to from this state.
    ///
    /// # Errors
    /// Why the step is not possible from there.
    pub fn after(number: usize, step: &dyn Step, from: &State) -> Result<Self, String> {
        if let Some(why) = step.impossible(from) {
            return Err(why);
        }
        let (acts, mut watches, state) = (step.acts(from), step.watches(from), state_after(step, from));
        watches.extend(Watch::of_packets(from, &state, &acts));
        Ok(Self { number, words: step.words(), about: step.about(), acts, watches, state })
    }

    /// That of this number, or of these words: `3`, `remove_member_3`, `s3_remove_member_3`.
    pub fn find<'a>(all: &'a [Self], text: &str) -> Option<&'a Self> {
        let number = text.parse::<usize>().ok();
        all.iter().find(|it| Some(it.number) == number || it.words == text || it.test() == text)
    }

    /// The name of its test: `s2_remove_member_3`.
    pub fn test(&self) -> String {
        format!("s{}_{}", self.number, self.words)
    }
}

impl Journey {
    /// Every station, from the state of the cluster as it is formed.
    ///
    /// # Errors
    /// When a step is not possible from the state that it is taken from.
    pub fn draw(&self, formed: &State) -> Result<Vec<Station>, Box<Impossible>> {
        let mut state = formed.clone();
        let mut stations = vec![Station {
            number: 0,
            words: "formed".to_owned(),
            about: "the cluster is formed".to_owned(),
            acts: Vec::new(),
            watches: Vec::new(),
            state: state.clone(),
        }];
        for (number, (step, at)) in (1..).zip(self.steps()) {
            let station = Station::after(number, step.as_ref(), &state).map_err(|why| {
                let (at, journey) = (format!("{}:{}", at.file(), at.line()), self.name.to_owned());
                Box::new(Impossible { at, number, journey, about: step.about(), why, state: state.to_string() })
            })?;
            state = station.state.clone();
            stations.push(station);
        }
        Ok(stations)
    }

    /// What the product must be able to do, besides what the cell needs.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = self.steps().iter().flat_map(|(step, _)| step.needs()).collect();
        needs.sort();
        needs.dedup();
        needs
    }

    /// The first of its steps that has these words.
    pub fn find_step(&self, words: &str) -> Option<Box<dyn Step>> {
        self.steps().into_iter().map(|(step, _)| step).find(|step| step.words() == words)
    }

    /// How many steps it has.
    pub fn length(&self) -> usize {
        self.steps().len()
    }

    fn steps(&self) -> Vec<(Box<dyn Step>, &'static Location<'static>)> {
        let mut itinerary = Itinerary::default();
        (self.steps)(&mut itinerary);
        itinerary.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Cell;
    use crate::plan::{Outline, Plan, Presence, Segments};

    /// The first member that is online goes down.
    #[derive(Debug)]
    struct Down(&'static str);

    impl Step for Down {
        fn words(&self) -> String {
            format!("down_{}", self.0)
        }
        fn about(&self) -> String {
            format!("{} goes down", self.0)
        }
        fn impossible(&self, state: &State) -> Option<String> {
            let there = state.online().any(|member| member.name.ends_with(self.0));
            (!there).then(|| "it is not up".to_owned())
        }
        fn acts(&self, state: &State) -> Vec<Act> {
            state.online().filter(|it| it.name.ends_with(self.0)).map(|it| Act::of(&it.name, What::Stop)).collect()
        }
        fn effect(&self, state: &mut State) {
            for member in state.members.iter_mut().filter(|it| it.name.ends_with(self.0)) {
                member.presence = Presence::Down;
            }
        }
    }

    fn formed() -> State {
        let cell = Cell::new(&[], &[]).expect("a cell").id().clone();
        Plan::outlined(cell, Outline::default(), Segments::documentation()).state
    }

    fn journey(steps: fn(&mut Itinerary)) -> Journey {
        Journey { name: "j", about: "a", cell: &[], members: None, outside: 0, steps }
    }

    #[test]
    fn stations_are_planned_as_a_whole_each_from_the_state_before() {
        let stations = journey(|steps| {
            steps.take(Down("2"));
            steps.take(Down("3"));
        });
        let stations = stations.draw(&formed()).expect("possible");
        let names: Vec<String> = stations.iter().map(Station::test).collect();
        assert_eq!(names, ["s0_formed", "s1_down_2", "s2_down_3"]);
        let online: Vec<usize> = stations.iter().map(|station| station.state.online().count()).collect();
        assert_eq!(online, [3, 2, 1]);
        assert!(stations[0].state.since.is_none() && stations[1].state.since.is_some());
        assert_eq!(stations[2].acts.len(), 1);
        for text in ["2", "down_3", "s2_down_3"] {
            assert_eq!(Station::find(&stations, text).map(|it| it.number), Some(2), "{text}");
        }
        assert_eq!(Station::find(&stations, "9"), None);
    }

    #[test]
    fn where_members_send_packets_each_step_has_them_watched_whatever_it_watches_itself() {
        let watches = |formed: &State| {
            let station = Station::after(1, &Down("3"), formed).expect("possible");
            station.watches.iter().filter(|watch| matches!(watch, Watch::Packets { .. })).count()
        };
        let mut formed = formed();
        assert_eq!(watches(&formed), 0);
        formed.lay_traffic();
        assert_eq!(watches(&formed), 2, "of the two that stay");
    }

    #[test]
    fn an_impossible_step_is_refused_with_its_line_and_the_state() {
        let refused = journey(|steps| {
            steps.take(Down("2"));
            steps.take(Down("2"));
        });
        let refused = refused.draw(&formed()).expect_err("it is down already").to_string();
        assert!(refused.starts_with(&format!("{}:", file!())) && refused.contains("step 2 of j"), "{refused}");
        assert!(refused.contains("it is not up") && refused.contains("2 down"), "{refused}");
    }
}
