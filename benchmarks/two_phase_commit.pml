/* Two-phase commit among N resource managers, for SPIN: the same steps as model/toys/two_phase_commit.py.
 *
 * One process with one never-ending choice, each option one atomic step, so that its states are exactly the
 * states of the model: SPIN should store as many as the checker counts.
 */
#ifndef N
#define N 3
#endif

#define ALL ((1 << N) - 1)

mtype = { working, prepared, committed, aborted, init_ };

mtype tm = init_;
mtype rm[N] = working;
int sent = 0;       /* bit i: resource manager i has said that it prepared */
int noted = 0;      /* bit i: the transaction manager knows it */
bool commit_sent = false;
bool abort_sent = false;

#define STEPS(i) \
    :: atomic { tm == init_ && (sent & (1 << i)) -> noted = noted | (1 << i) } \
    :: atomic { rm[i] == working -> rm[i] = prepared; sent = sent | (1 << i) } \
    :: atomic { rm[i] == working -> rm[i] = aborted } \
    :: atomic { commit_sent -> rm[i] = committed } \
    :: atomic { abort_sent -> rm[i] = aborted }

active proctype commit()
{
end:
    do
    :: atomic { tm == init_ && noted == ALL -> tm = committed; commit_sent = true }
    :: atomic { tm == init_ -> tm = aborted; abort_sent = true }
    STEPS(0)
#if N > 1
    STEPS(1)
#endif
#if N > 2
    STEPS(2)
#endif
#if N > 3
    STEPS(3)
#endif
#if N > 4
    STEPS(4)
#endif
#if N > 5
    STEPS(5)
#endif
#if N > 6
    STEPS(6)
#endif
#if N > 7
    STEPS(7)
#endif
#if N > 8
    STEPS(8)
#endif
#if N > 9
    STEPS(9)
#endif
    od
}
