--------------------------- MODULE TwoPhaseCommit ---------------------------
(* Two-phase commit among N resource managers: the steps of                 *)
(* model/toys/two_phase_commit.py, one operator for each action.            *)
EXTENDS Naturals

CONSTANT N
VARIABLES tm, commit_sent, abort_sent, rm, sent, noted

RM == 1..N
vars == <<tm, commit_sent, abort_sent, rm, sent, noted>>

Init ==
    /\ tm = "init"
    /\ commit_sent = FALSE
    /\ abort_sent = FALSE
    /\ rm = [i \in RM |-> "working"]
    /\ sent = {}
    /\ noted = {}

(* commit *)
Commit ==
    /\ tm = "init" /\ noted = RM
    /\ tm' = "committed" /\ commit_sent' = TRUE
    /\ UNCHANGED <<abort_sent, rm, sent, noted>>

(* abort *)
Abort ==
    /\ tm = "init"
    /\ tm' = "aborted" /\ abort_sent' = TRUE
    /\ UNCHANGED <<commit_sent, rm, sent, noted>>

(* note prepared i *)
NotePrepared(i) ==
    /\ tm = "init" /\ i \in sent
    /\ noted' = noted \union {i}
    /\ UNCHANGED <<tm, commit_sent, abort_sent, rm, sent>>

(* prepare i *)
Prepare(i) ==
    /\ rm[i] = "working"
    /\ rm' = [rm EXCEPT ![i] = "prepared"] /\ sent' = sent \union {i}
    /\ UNCHANGED <<tm, commit_sent, abort_sent, noted>>

(* choose to abort i *)
ChooseToAbort(i) ==
    /\ rm[i] = "working"
    /\ rm' = [rm EXCEPT ![i] = "aborted"]
    /\ UNCHANGED <<tm, commit_sent, abort_sent, sent, noted>>

(* hear commit i *)
HearCommit(i) ==
    /\ commit_sent
    /\ rm' = [rm EXCEPT ![i] = "committed"]
    /\ UNCHANGED <<tm, commit_sent, abort_sent, sent, noted>>

(* hear abort i *)
HearAbort(i) ==
    /\ abort_sent
    /\ rm' = [rm EXCEPT ![i] = "aborted"]
    /\ UNCHANGED <<tm, commit_sent, abort_sent, sent, noted>>

Next ==
    \/ Commit
    \/ Abort
    \/ \E i \in RM :
        NotePrepared(i) \/ Prepare(i) \/ ChooseToAbort(i) \/ HearCommit(i) \/ HearAbort(i)

Spec == Init /\ [][Next]_vars
=============================================================================
