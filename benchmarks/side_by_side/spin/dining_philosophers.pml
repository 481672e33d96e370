/* N dining philosophers who hand each other forks: the steps of model/toys/dining_philosophers.py.
 *
 * One process with one choice that never ends; each option is one of our actions and one atomic step. Philosopher p,
 * from 0 here, sits between fork p on the left and fork p+1 on the right, round the table.
 */
#include "each.pml"

#define LEFT(p) ((p + N - 1) % N)
#define RIGHT(p) ((p + 1) % N)

mtype = { Loop, Eat, Think };

mtype at[N] = Loop;
bool hungry[N] = true;
bool clean[N] = false;
byte holder[N];

#define STEPS(p) \
    /* loop p: eat or think or wait, as the forks are; then hand over a dirty fork, left before right */ \
    :: d_step { at[p] == Loop -> \
        if \
        :: !hungry[p] -> at[p] = Think \
        :: hungry[p] && holder[p] == p && holder[RIGHT(p)] == p && clean[p] && clean[RIGHT(p)] -> at[p] = Eat \
        :: else \
        fi; \
        if \
        :: holder[p] == p && !clean[p] -> holder[p] = LEFT(p); clean[p] = true \
        :: !(holder[p] == p && !clean[p]) && holder[RIGHT(p)] == p && !clean[RIGHT(p)] -> \
            holder[RIGHT(p)] = RIGHT(p); clean[RIGHT(p)] = true \
        :: else \
        fi } \
    /* eat p   */ :: d_step { at[p] == Eat -> at[p] = Loop; hungry[p] = false; clean[p] = false; clean[RIGHT(p)] = false } \
    /* think p */ :: d_step { at[p] == Think -> at[p] = Loop; hungry[p] = true }

#define SEAT(p) holder[p] = (p == 1 -> 0 : p);

active proctype everybody()
{
    d_step { EACH(SEAT) }
end:
    do
    EACH(STEPS)
    od
}
