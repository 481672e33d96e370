/* Termination detection on a ring of N nodes (EWD 840): the steps of model/toys/ewd840.py.
 *
 * One process with one choice that never ends; each option is one of our actions and one atomic step. SPIN has one
 * initial state: the choice of ours is one atomic step, so that SPIN stores one state more.
 */
#include "each.pml"

mtype = { white, black };

byte token;
mtype token_color = black;
bool active_[N];
mtype color[N];

#define PASS(i, why) :: d_step { token == i && why && i > 0 -> \
        token = i - 1; token_color = (color[i] == black -> black : token_color); color[i] = white }
#define MESSAGE(i, j) :: d_step { j != i && active_[i] -> \
        active_[j] = true; color[i] = (j > i -> black : color[i]) }
#define STEPS(i) \
    /* pass token i, resting     */ PASS(i, !active_[i]) \
    /* pass token i, black token */ PASS(i, token_color == black) \
    /* pass token i, black node  */ PASS(i, color[i] == black) \
    /* message i to j            */ EACH_OTHER(MESSAGE, i) \
    /* deactivate i              */ :: d_step { active_[i] -> active_[i] = false }

#define ANYHOW(i) \
    if :: active_[i] = false :: active_[i] = true fi; \
    if :: color[i] = white :: color[i] = black fi;
#define SOMEWHERE(i) :: token = i

active proctype everybody()
{
    atomic {
        if EACH(SOMEWHERE) fi;
        EACH(ANYHOW)
    }
end:
    do
    /* initiate probe, black token */
    :: d_step { token == 0 && token_color == black -> token = N - 1; token_color = white; color[0] = white }
    /* initiate probe, black node */
    :: d_step { token == 0 && color[0] == black -> token = N - 1; token_color = white; color[0] = white }
    EACH(STEPS)
    od
}
