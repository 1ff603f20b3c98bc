/* A flood of bad messages stops the engine, and restarts do not drain the topic into the dead letters (step 12).

   One engine, one partition, M messages; those in BAD become dead letters. The window holds the newest committed sets with at least WINDOW
   messages; more than two thirds of bad ones in it stop the engine. It is started again and again with the same limit (RESTARTS),
   and at last with a higher one: then everything is stored.

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   judge, commit              | InvalidWindow.judge (before the COMMIT), Flusher.#commit, InvalidWindow.committed
   stored                     | sink/move-offsets.ts: recent_count, recent_dead_letter_count; InvalidWindow.adopt (at every claim)
   stop                       | TooMuchBadInputError: exit 65, not retryable

   Abstracted away: buckets (each set is one), other partitions, the ratio (two thirds). */
#ifndef M
#define M 6
#endif
#ifndef BAD
#define BAD 63          /* bit o: message o */
#endif
#ifndef RESTARTS
#define RESTARTS 3
#endif
#ifndef FENCES
#define FENCES 1        /* a set that was judged is rolled back */
#endif
#ifndef DEADMAX
#define DEADMAX 2       /* dead letters that may be stored before a person raises the limit */
#endif

#define STORED 0        // guard: the window is stored with the offsets and taken up again by a claim
#define BEFORE 1        // guard: a set is judged before it is committed
#define FILLED 2        // guard: nothing is judged on fewer messages than the window holds
#define COMMITTED 3     // guard: the window counts committed sets only
#include "removed.pml"

#define WINDOW 3
#define BIT(o) (1 << (o))
#define POP(m) (((m) & 1) + (((m) >> 1) & 1) + (((m) >> 2) & 1) + (((m) >> 3) & 1) + (((m) >> 4) & 1) + (((m) >> 5) & 1))
#define BADOF(from, to) POP((BAD & (BIT(to) - 1)) >> (from))
byte next, dead, recent, recentDead;                    /* the row: next_offset, dead letters, the window */
byte records[4], bads[4];                               /* the window in memory, newest first; the last one takes what is older */
byte to;                                                /* the set under way: [next, to) */
bit judged, stopped, raised;
byte restarts = RESTARTS, fences = FENCES;
hidden byte n, b;

#define SUM (records[0] + records[1] + records[2] + records[3])
#define SUMBAD (bads[0] + bads[1] + bads[2] + bads[3])
#define clearWindow() records[0] = 0; records[1] = 0; records[2] = 0; records[3] = 0; bads[0] = 0; bads[1] = 0; bads[2] = 0; bads[3] = 0
/* a claim: what the row says takes the place of what was known */
#define adopt() clearWindow(); if :: !without(STORED) -> records[0] = recent; bads[0] = recentDead :: else fi
#define trim() \
  if :: records[3] && SUM - records[3] >= WINDOW -> records[3] = 0; bads[3] = 0 :: else fi; \
  if :: records[2] && !records[3] && SUM - records[2] >= WINDOW -> records[2] = 0; bads[2] = 0 :: else fi; \
  if :: records[1] && !records[2] && !records[3] && SUM - records[1] >= WINDOW -> records[1] = 0; bads[1] = 0 :: else fi
#define push(size, bad) \
  records[3] = records[3] + records[2]; bads[3] = bads[3] + bads[2]; records[2] = records[1]; bads[2] = bads[1]; \
  records[1] = records[0]; bads[1] = bads[0]; records[0] = size; bads[0] = bad; trim()
/* what the window will be with the set; without(COMMITTED): it was added when it was judged */
#define OVER(size, bad) (!raised && (SUM + size >= WINDOW || without(FILLED)) && 3 * (SUMBAD + bad) > 2 * (SUM + size))

proctype Engine() {
end: do
  :: d_step { !stopped && !to && next < M -> to = next + 1 }
  :: d_step { !stopped && !to && next + 1 < M -> to = next + 2 }
  :: d_step { !stopped && to && !judged ->
       n = to - next; b = BADOF(next, to); push(n, b);
       if
       :: OVER(0, 0) && !without(BEFORE) ->
          assert(POP(BAD & (BIT(to) - 1)) >= 3);          /* only for what is really there */
          stopped = 1; to = 0; adopt()
       :: else -> judged = 1
       fi;
       n = 0; b = 0 }
  :: d_step { judged -> n = to - next; dead = dead + BADOF(next, to); recent = SUM; recentDead = SUMBAD; next = to; to = 0; judged = 0;
       assert(raised || dead <= DEADMAX);
       if :: without(BEFORE) && OVER(0, 0) -> stopped = 1 :: else fi; n = 0 }
  /* rolled back: a recovery claims again */
  :: d_step { fences && judged -> fences--; judged = 0; to = 0; if :: !without(COMMITTED) -> adopt() :: else fi }
  :: d_step { stopped && restarts -> restarts--; stopped = 0; adopt() }
  :: d_step { stopped && !restarts && !raised -> raised = 1; stopped = 0; adopt() }
  :: d_step { fences -> fences = 0 }
  od
}
proctype Quiet() { timeout -> assert(next == M); assert(dead == POP(BAD)) }
init { READ_REMOVED atomic { run Engine(); run Quiet() } }
