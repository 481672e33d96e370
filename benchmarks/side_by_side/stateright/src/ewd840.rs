//! Termination detection on a ring of `n` nodes (EWD 840): the steps of `model/toys/ewd840.py`.

use stateright::{Model, Property};

pub struct Ewd840 {
    pub n: usize,
}

/// `active` and `black` have a bit for each node.
#[derive(Clone, Debug, Hash, PartialEq)]
pub struct State {
    token: u8,
    token_is_black: bool,
    active: u32,
    black: u32,
}

/// Our actions, by name; one for each reason of those that have several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    InitiateProbe,
    PassToken,
    Message(usize, usize),
    Deactivate(usize),
}

impl Model for Ewd840 {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut states = Vec::new();
        for token in 0..self.n as u8 {
            for active in 0..1 << self.n {
                for black in 0..1 << self.n {
                    states.push(State {
                        token,
                        token_is_black: true,
                        active,
                        black,
                    });
                }
            }
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        let is_active = |i: usize| state.active & (1 << i) != 0;
        let is_black = |i: usize| state.black & (1 << i) != 0;
        let at = usize::from(state.token);
        if at == 0 {
            for _because in [state.token_is_black, is_black(0)]
                .into_iter()
                .filter(|&it| it)
            {
                actions.push(Step::InitiateProbe);
            }
        } else {
            for _because in [!is_active(at), state.token_is_black, is_black(at)]
                .into_iter()
                .filter(|&it| it)
            {
                actions.push(Step::PassToken);
            }
        }
        for i in (0..self.n).filter(|&i| is_active(i)) {
            for j in (0..self.n).filter(|&j| j != i) {
                actions.push(Step::Message(i, j));
            }
            actions.push(Step::Deactivate(i));
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut next = last.clone();
        let at = last.token;
        match step {
            Step::InitiateProbe => {
                next.token = self.n as u8 - 1;
                next.token_is_black = false;
                next.black &= !1;
            }
            Step::PassToken => {
                next.token = at - 1;
                next.token_is_black |= last.black & (1 << at) != 0;
                next.black &= !(1 << at);
            }
            Step::Message(i, j) => {
                next.active |= 1 << j;
                if j > i {
                    next.black |= 1 << i;
                }
            }
            Step::Deactivate(i) => next.active &= !(1 << i),
        }
        Some(next)
    }

    /// Stateright explores no further than its properties need; this one needs everything.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("explored in full", |_, _| true)]
    }
}
