------------------------- MODULE DiningPhilosophers -------------------------
(* N dining philosophers who hand each other forks: the steps of            *)
(* model/toys/dining_philosophers.py, one operator for each action.         *)
EXTENDS Naturals

CONSTANT N
VARIABLES at, hungry, holder, clean

Seats == 1..N
Left(p) == IF p = 1 THEN N ELSE p - 1
Right(p) == IF p = N THEN 1 ELSE p + 1
vars == <<at, hungry, holder, clean>>

Init ==
    /\ at = [p \in Seats |-> "Loop"]
    /\ hungry = [p \in Seats |-> TRUE]
    /\ holder = [p \in Seats |-> IF p = 2 THEN 1 ELSE p]
    /\ clean = [p \in Seats |-> FALSE]

HoldsDirty(p, fork) == holder[fork] = p /\ ~clean[fork]
HoldsBothClean(p) == \A fork \in {p, Right(p)} : holder[fork] = p /\ clean[fork]

HandOver(fork, neighbour) ==
    holder' = [holder EXCEPT ![fork] = neighbour] /\ clean' = [clean EXCEPT ![fork] = TRUE]

(* loop p *)
HandOverOrChoose(p) ==
    /\ at[p] = "Loop"
    /\ at' = [at EXCEPT ![p] =
        IF ~hungry[p] THEN "Think" ELSE IF HoldsBothClean(p) THEN "Eat" ELSE "Loop"]
    /\ IF HoldsDirty(p, p) THEN HandOver(p, Left(p))
       ELSE IF HoldsDirty(p, Right(p)) THEN HandOver(Right(p), Right(p))
       ELSE UNCHANGED <<holder, clean>>
    /\ UNCHANGED hungry

(* eat p *)
EatNow(p) ==
    /\ at[p] = "Eat"
    /\ at' = [at EXCEPT ![p] = "Loop"]
    /\ hungry' = [hungry EXCEPT ![p] = FALSE]
    /\ clean' = [clean EXCEPT ![p] = FALSE, ![Right(p)] = FALSE]
    /\ UNCHANGED holder

(* think p *)
ThinkNow(p) ==
    /\ at[p] = "Think"
    /\ at' = [at EXCEPT ![p] = "Loop"]
    /\ hungry' = [hungry EXCEPT ![p] = TRUE]
    /\ UNCHANGED <<holder, clean>>

Next == \E p \in Seats : HandOverOrChoose(p) \/ EatNow(p) \/ ThinkNow(p)

Spec == Init /\ [][Next]_vars
=============================================================================
