/* Two-phase commit among N resource managers: the steps of model/toys/two_phase_commit.py.
 *
 * One process with one choice that never ends; each option is one of our actions and one atomic step, so that
 * SPIN stores exactly the states of the model, and takes exactly its transitions. Written for one process rather
 * than N + 1, because that makes SPIN's states smaller and its search faster.
 */
#include "each.pml"

#define ALL ((1 << N) - 1)

mtype = { working, prepared, committed, aborted, init_ };

mtype tm = init_;
mtype rm[N] = working;
int sent = 0;       /* bit i: resource manager i has said that it prepared */
int noted = 0;      /* bit i: the transaction manager knows it */
bool commit_sent = false;
bool abort_sent = false;

#define STEPS(i) \
    /* note prepared i   */ :: d_step { tm == init_ && (sent & (1 << i)) -> noted = noted | (1 << i) } \
    /* prepare i         */ :: d_step { rm[i] == working -> rm[i] = prepared; sent = sent | (1 << i) } \
    /* choose to abort i */ :: d_step { rm[i] == working -> rm[i] = aborted } \
    /* hear commit i     */ :: d_step { commit_sent -> rm[i] = committed } \
    /* hear abort i      */ :: d_step { abort_sent -> rm[i] = aborted }

active proctype everybody()
{
end:
    do
    /* commit */ :: d_step { tm == init_ && noted == ALL -> tm = committed; commit_sent = true }
    /* abort  */ :: d_step { tm == init_ -> tm = aborted; abort_sent = true }
    EACH(STEPS)
    od
}
