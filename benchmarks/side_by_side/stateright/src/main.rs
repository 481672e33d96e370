//! Explores a model in full with Stateright and prints one line: states, generated states, depth, seconds.
//!
//! `side-by-side MODEL N THREADS`. The models are those of `model/toys/`, action for action.

mod dining_philosophers;
mod ewd840;
mod two_phase_commit;

use stateright::{Checker, Model};
use std::hash::Hash;
use std::time::Instant;

/// The most parts that a model can have: states are arrays of this length, which need no memory of their own.
pub const MOST: usize = 20;

fn explore<M>(model: M, threads: usize)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + std::fmt::Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + std::fmt::Debug + PartialEq + Send + Sync,
{
    let began = Instant::now();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    println!(
        "states={} generated={} depth={} seconds={:.6}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| -> usize {
        arguments
            .get(at)
            .and_then(|text| text.parse().ok())
            .filter(|&n| 1 <= n && n <= MOST)
            .unwrap_or_else(|| panic!("side-by-side MODEL N THREADS, both from 1 to {MOST}"))
    };
    let (n, threads) = (number(1), number(2));
    match arguments[0].as_str() {
        "two-phase-commit" => explore(two_phase_commit::TwoPhaseCommit { n }, threads),
        "dining-philosophers" => explore(dining_philosophers::DiningPhilosophers { n }, threads),
        "ewd840" => explore(ewd840::Ewd840 { n }, threads),
        other => {
            panic!("no model {other}; there are: two-phase-commit, dining-philosophers, ewd840")
        }
    }
}
