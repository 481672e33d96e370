------------------------------- MODULE Ewd840 -------------------------------
(* Termination detection on a ring of N nodes (EWD 840): the steps of       *)
(* model/toys/ewd840.py, one operator for each action.                      *)
EXTENDS Naturals

CONSTANT N
VARIABLES token, token_color, active, color

Nodes == 0..N-1
Colors == {"white", "black"}
vars == <<token, token_color, active, color>>

Init ==
    /\ token \in Nodes
    /\ token_color = "black"
    /\ active \in [Nodes -> BOOLEAN]
    /\ color \in [Nodes -> Colors]

(* initiate probe, black token; initiate probe, black node *)
InitiateProbe(why) ==
    /\ token = 0 /\ why
    /\ token' = N - 1 /\ token_color' = "white"
    /\ color' = [color EXCEPT ![0] = "white"]
    /\ UNCHANGED active

(* pass token i, resting; pass token i, black token; pass token i, black node *)
PassToken(i, why) ==
    /\ token = i /\ why
    /\ token' = i - 1
    /\ token_color' = IF color[i] = "black" THEN "black" ELSE token_color
    /\ color' = [color EXCEPT ![i] = "white"]
    /\ UNCHANGED active

(* message i to j *)
Message(i, j) ==
    /\ active[i]
    /\ active' = [active EXCEPT ![j] = TRUE]
    /\ color' = IF j > i THEN [color EXCEPT ![i] = "black"] ELSE color
    /\ UNCHANGED <<token, token_color>>

(* deactivate i *)
Deactivate(i) ==
    /\ active[i]
    /\ active' = [active EXCEPT ![i] = FALSE]
    /\ UNCHANGED <<token, token_color, color>>

Next ==
    \/ InitiateProbe(token_color = "black")
    \/ InitiateProbe(color[0] = "black")
    \/ \E i \in Nodes \ {0} :
        \/ PassToken(i, ~active[i])
        \/ PassToken(i, token_color = "black")
        \/ PassToken(i, color[i] = "black")
    \/ \E i \in Nodes : \E j \in Nodes \ {i} : Message(i, j)
    \/ \E i \in Nodes : Deactivate(i)

Spec == Init /\ [][Next]_vars
=============================================================================
