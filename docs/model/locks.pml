/* Locks: flushes and claims never wait for each other in a circle, and a frozen engine blocks nobody.

   Four transactions over three offset rows (0, 1, 2), two keys of members (3, 4) and an hour (5). Flush 0 is an engine's that may
   freeze for ever at any point, as a thawing zombie's: it shares row 1 with flush 1. Claims 2 and 3 want all rows. A lock that comes free may go to any waiter.
   Deadlocks are found by Postgres and end in a recovery; here they count as failures, since each costs a second.

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   order of rows              | sink/move-offsets.ts: lock_offsets, sink/claim.ts: ORDER BY ... FOR UPDATE, answer awaited
   order of keys, hours last  | sink/insert-members.ts (ORDER BY 1, 2 over the whole set), merge-hours.ts
   terminate                  | sink/blockers.ts: only backends of engines, and only such as wait for their client
   again                      | Supervisor.#recover; here the same transaction begins once more (whether it is fenced then is
                              | offsets.pml's)

   Abstracted away: epochs, what is stored, time (5 s are "at some time"), the one lock of a key per set. */
#ifndef FREEZE
#define FREEZE 1        /* 1: flush 0 may freeze, for ever */
#endif
#ifndef WANTS0
#define WANTS0 59       /* bit l: lock l; rows 0 and 1, both keys, the hour */
#endif
#ifndef WANTS1
#define WANTS1 62       /* rows 1 and 2, both keys, the hour */
#endif
#ifndef CLAIMS
#define CLAIMS 7
#endif

#define ROWS 0          // guard: a flush locks its rows in the common order
#define KEYS 1          // guard: members are inserted in one order over the whole set
#define TERMINATE 2     // guard: who waits too long for a lock ends the backend that holds it
#define FLUSHES 3       // guard: flushes do so too, not only claims
#define CLIENTONLY 4    // guard: only a backend that waits for its client is ended
#include "removed.pml"

#define FREE 255
#define BIT(l) (1 << (l))
byte holder[6], left[4];                        /* who holds a lock; the locks a transaction has not got yet */
bit frozen, done[4], gone;                      /* gone: the frozen engine's backend was ended */
hidden byte l, n;

#define LOWEST(m) (((m) & 1) -> 0 : (((m) & 2) -> 1 : (((m) & 4) -> 2 : (((m) & 8) -> 3 : (((m) & 16) -> 4 : 5)))))
#define ROWSHIGH(m) (((m) & 4) -> 2 : (((m) & 2) -> 1 : (((m) & 1) -> 0 : LOWEST(m))))
#define KEYSHIGH(m) ((((m) & 7) == 0 && ((m) & 16)) -> 4 : ((((m) & 7) == 0 && ((m) & 8)) -> 3 : LOWEST(m)))
/* flush 1 takes the guarded locks in another order when the guard is off */
#define NEXT(t) (((t) == 1 && without(ROWS)) -> ROWSHIGH(left[t]) : (((t) == 1 && without(KEYS)) -> KEYSHIGH(left[t]) : LOWEST(left[t])))
#define WANTS(t) ((t) == 0 -> WANTS0 : ((t) == 1 -> WANTS1 : CLAIMS))
#define MAY(t) (!done[t] && !((t) == 0 && frozen))
#define release(t) for (l : 0 .. 5) { if :: holder[l] == t -> holder[l] = FREE :: else fi }
#define MAYEND(t) (!without(TERMINATE) && ((t) > 1 || !without(FLUSHES)))

proctype Transaction(byte t) {
end: do
  :: d_step { MAY(t) && left[t] && holder[NEXT(t)] == FREE -> n = NEXT(t); holder[n] = t; left[t] = left[t] & ~BIT(n) }
  :: d_step { MAY(t) && !left[t] -> release(t); done[t] = 1 }
  /* the one that holds what is waited for waits for its client: it is frozen */
  :: d_step { MAY(t) && left[t] && MAYEND(t) && holder[NEXT(t)] == 0 && frozen -> release(0); gone = 1; done[0] = 1; left[0] = 0 }
  /* without the condition, any backend that holds what is waited for, and works */
  :: d_step { without(CLIENTONLY) && MAY(t) && left[t] && holder[NEXT(t)] != FREE && holder[NEXT(t)] != t && !(holder[NEXT(t)] == 0 && frozen) ->
       n = holder[NEXT(t)]; release(n); left[n] = WANTS(n) }
  od
}
proctype Freeze() { end: d_step { FREEZE && !done[0] -> frozen = 1 } }
proctype Quiet() { timeout -> assert(done[0] || frozen); assert(done[1]); assert(done[2]); assert(done[3]) }
init {
  READ_REMOVED
  atomic {
    d_step { for (l : 0 .. 5) { holder[l] = FREE }; l = 0 };
    left[0] = WANTS0; left[1] = WANTS1; left[2] = CLAIMS; left[3] = CLAIMS;
    run Freeze(); run Transaction(0); run Transaction(1); run Transaction(2); run Transaction(3); run Quiet()
  }
}
