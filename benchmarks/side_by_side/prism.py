"""The models in PRISM's language, which Storm reads: one command for each action of `model/toys/`.

The language has arrays of modules but no loop over their variables, so the text is put together for each size.
What stands behind `//` is the name of our action. Variables stand in the order in which ours stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


def two_phase_commit(n: int) -> str:
    """The steps of model/toys/two_phase_commit.py.

    `tm` is 0 for init, 1 for committed, 2 for aborted; `rm` 0 for working, 1 for prepared, 2 for committed, 3 for
    aborted.
    """
    variables = ["tm : [0..2] init 0;", "commit_sent : bool init false;", "abort_sent : bool init false;"]
    commands = [
        f"[] tm=0 & {' & '.join(f'noted{i}' for i in range(n))} -> (tm'=1) & (commit_sent'=true); // commit",
        "[] tm=0 -> (tm'=2) & (abort_sent'=true); // abort",
    ]
    for i in range(n):
        variables += [f"rm{i} : [0..3] init 0;", f"sent{i} : bool init false;", f"noted{i} : bool init false;"]
        commands += [
            f"[] tm=0 & sent{i} -> (noted{i}'=true); // note prepared {i}",
            f"[] rm{i}=0 -> (rm{i}'=1) & (sent{i}'=true); // prepare {i}",
            f"[] rm{i}=0 -> (rm{i}'=3); // choose to abort {i}",
            f"[] commit_sent -> (rm{i}'=2); // hear commit {i}",
            f"[] abort_sent -> (rm{i}'=3); // hear abort {i}",
        ]
    return _model(variables, commands)


def dining_philosophers(n: int) -> str:
    """The steps of model/toys/dining_philosophers.py, for three or more.

    `at` is 0 for Loop, 1 for Eat, 2 for Think. `left{p}` says whether fork p is with philosopher p rather than with
    the one on its other side. "loop" is cut by what the forks and the philosopher are like.
    """
    variables: list[str] = []
    commands: list[str] = []
    for p in range(n):
        right = (p + 1) % n
        variables += [
            f"left{p} : bool init {'false' if p == 1 else 'true'};",
            f"clean{p} : bool init false;",
            f"at{p} : [0..2] init 0;",
            f"hungry{p} : bool init true;",
        ]
        both_clean = f"left{p} & clean{p} & !left{right} & clean{right}"
        left_dirty, right_dirty = f"left{p} & !clean{p}", f"!left{right} & !clean{right}"
        commands.append(f"[] at{p}=0 & hungry{p} & {both_clean} -> (at{p}'=1); // loop {p}: keeps its forks")
        for guard, after in ((f"!hungry{p}", 2), (f"hungry{p} & !({both_clean})", 0)):
            commands += [
                f"[] at{p}=0 & {guard} & {left_dirty} -> (at{p}'={after}) & (left{p}'=false) & (clean{p}'=true);"
                f" // loop {p}: hands over the left fork",
                f"[] at{p}=0 & {guard} & !({left_dirty}) & {right_dirty} -> (at{p}'={after}) & (left{right}'=true)"
                f" & (clean{right}'=true); // loop {p}: hands over the right fork",
                f"[] at{p}=0 & {guard} & !({left_dirty}) & !({right_dirty}) -> (at{p}'={after});"
                f" // loop {p}: keeps its forks",
            ]
        dirty = f"(clean{p}'=false) & (clean{right}'=false)"
        commands += [
            f"[] at{p}=1 -> (at{p}'=0) & (hungry{p}'=false) & {dirty}; // eat {p}",
            f"[] at{p}=2 -> (at{p}'=0) & (hungry{p}'=true); // think {p}",
        ]
    return _model(variables, commands)


def ewd840(n: int) -> str:
    """The steps of model/toys/ewd840.py."""
    variables = [f"token : [0..{n - 1}];", "token_black : bool;"]
    commands = [
        f"[] token=0 & {why} -> (token'={n - 1}) & (token_black'=false) & (black0'=false);"
        f" // initiate probe, {name}"
        for why, name in (("token_black", "black token"), ("black0", "black node"))
    ]
    for i in range(n):
        variables += [f"active{i} : bool;", f"black{i} : bool;"]
        reasons = ((f"!active{i}", "resting"), ("token_black", "black token"), (f"black{i}", "black node"))
        commands += [
            f"[] token={i} & {why} -> (token'={i - 1}) & (token_black'=token_black | black{i}) & (black{i}'=false);"
            f" // pass token {i}, {name}"
            for why, name in reasons
            if i
        ]
        for j in range(n):
            turns_black = f" & (black{i}'=true)" if j > i else ""
            if j != i:
                commands.append(f"[] active{i} -> (active{j}'=true){turns_black}; // message {i} to {j}")
        commands.append(f"[] active{i} -> (active{i}'=false); // deactivate {i}")
    return _model(variables, commands, "init token_black endinit")


def _model(variables: Iterable[str], commands: Iterable[str], initial: str = "") -> str:
    return "\n".join(["mdp", "module everybody", *variables, *commands, "endmodule", initial, ""])


MODELS: dict[str, Callable[[int], str]] = {
    "two-phase-commit": two_phase_commit,
    "dining-philosophers": dining_philosophers,
    "ewd840": ewd840,
}
"""What makes the text, by the name of the model."""
