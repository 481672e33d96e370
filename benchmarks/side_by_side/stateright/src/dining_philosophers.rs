//! Dining philosophers who hand each other forks: the steps of `model/toys/dining_philosophers.py`.
//!
//! Philosopher p, from 0 here, sits between fork p on the left and fork p+1 on the right, round the table.

use crate::MOST;
use stateright::{Model, Property};

pub struct DiningPhilosophers {
    pub n: usize,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
pub enum At {
    Loop,
    Eat,
    Think,
}

/// `hungry` has a bit for each philosopher, `clean` one for each fork.
#[derive(Clone, Debug, Hash, PartialEq)]
pub struct State {
    at: [At; MOST],
    hungry: u32,
    clean: u32,
    holder: [u8; MOST],
}

/// Our actions, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Loop(usize),
    Eat(usize),
    Think(usize),
}

impl DiningPhilosophers {
    fn left(&self, p: usize) -> usize {
        (p + self.n - 1) % self.n
    }

    fn right(&self, p: usize) -> usize {
        (p + 1) % self.n
    }

    fn hand_over_or_choose(&self, last: &State, p: usize) -> State {
        let mut next = last.clone();
        let forks = [(p, self.left(p)), (self.right(p), self.right(p))];
        let holds = |fork: usize| usize::from(last.holder[fork]) == p;
        let clean = |fork: usize| last.clean & (1 << fork) != 0;
        if last.hungry & (1 << p) == 0 {
            next.at[p] = At::Think;
        } else if forks.iter().all(|&(fork, _)| holds(fork) && clean(fork)) {
            next.at[p] = At::Eat;
        }
        if let Some(&(fork, neighbour)) =
            forks.iter().find(|&&(fork, _)| holds(fork) && !clean(fork))
        {
            next.holder[fork] = neighbour as u8;
            next.clean |= 1 << fork;
        }
        next
    }
}

impl Model for DiningPhilosophers {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut holder = [0; MOST];
        for p in 0..self.n {
            holder[p] = if p == 1 { 0 } else { p as u8 };
        }
        vec![State {
            at: [At::Loop; MOST],
            hungry: (1 << self.n) - 1,
            clean: 0,
            holder,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        for p in 0..self.n {
            actions.push(match state.at[p] {
                At::Loop => Step::Loop(p),
                At::Eat => Step::Eat(p),
                At::Think => Step::Think(p),
            });
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        if let Step::Loop(p) = step {
            return Some(self.hand_over_or_choose(last, p));
        }
        let mut next = last.clone();
        if let Step::Eat(p) = step {
            next.at[p] = At::Loop;
            next.hungry &= !(1 << p);
            next.clean &= !(1 << p | 1 << self.right(p));
        }
        if let Step::Think(p) = step {
            next.at[p] = At::Loop;
            next.hungry |= 1 << p;
        }
        Some(next)
    }

    /// Stateright explores no further than its properties need; this one needs everything.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("explored in full", |_, _| true)]
    }
}
