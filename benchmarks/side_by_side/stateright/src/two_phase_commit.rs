//! Two-phase commit among `n` resource managers: the steps of `model/toys/two_phase_commit.py`.

use crate::MOST;
use stateright::{Model, Property};

pub struct TwoPhaseCommit {
    pub n: usize,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
pub enum Tm {
    Init,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
pub enum Rm {
    Working,
    Prepared,
    Committed,
    Aborted,
}

/// `sent` and `noted` have a bit for each resource manager.
#[derive(Clone, Debug, Hash, PartialEq)]
pub struct State {
    tm: Tm,
    commit_sent: bool,
    abort_sent: bool,
    rm: [Rm; MOST],
    sent: u32,
    noted: u32,
}

/// Our actions, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Commit,
    Abort,
    NotePrepared(usize),
    Prepare(usize),
    ChooseToAbort(usize),
    HearCommit(usize),
    HearAbort(usize),
}

impl Model for TwoPhaseCommit {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            tm: Tm::Init,
            commit_sent: false,
            abort_sent: false,
            rm: [Rm::Working; MOST],
            sent: 0,
            noted: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        if state.tm == Tm::Init {
            if state.noted == (1 << self.n) - 1 {
                actions.push(Step::Commit);
            }
            actions.push(Step::Abort);
        }
        for i in 0..self.n {
            if state.tm == Tm::Init && state.sent & (1 << i) != 0 {
                actions.push(Step::NotePrepared(i));
            }
            if state.rm[i] == Rm::Working {
                actions.push(Step::Prepare(i));
                actions.push(Step::ChooseToAbort(i));
            }
            if state.commit_sent {
                actions.push(Step::HearCommit(i));
            }
            if state.abort_sent {
                actions.push(Step::HearAbort(i));
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut next = last.clone();
        match step {
            Step::Commit => {
                next.tm = Tm::Committed;
                next.commit_sent = true;
            }
            Step::Abort => {
                next.tm = Tm::Aborted;
                next.abort_sent = true;
            }
            Step::NotePrepared(i) => next.noted |= 1 << i,
            Step::Prepare(i) => {
                next.rm[i] = Rm::Prepared;
                next.sent |= 1 << i;
            }
            Step::ChooseToAbort(i) | Step::HearAbort(i) => next.rm[i] = Rm::Aborted,
            Step::HearCommit(i) => next.rm[i] = Rm::Committed,
        }
        Some(next)
    }

    /// Stateright explores no further than its properties need; this one needs everything.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("explored in full", |_, _| true)]
    }
}
