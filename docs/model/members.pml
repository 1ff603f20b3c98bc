/* Distinct users of an hour are exact: an id is counted when it is really inserted, and left out only when it is stored.

   Two engines, two partitions with common users u = 1 and v = 2, one hour, one table of members. Offsets, stale slices and ports are
   offsets.pml's; here a set moves as a whole. `INSERT ... ON CONFLICT DO NOTHING` waits for a key that another open transaction has
   inserted, as Postgres does. Postgres may be restored to an older state (offsets and rows went back together), and `erase` may take a
   user out, raising the ledger's generation while it holds all rows.

   Numbers of users (sink/user-numbers.ts) are not here: a number never changes, and an engine that forgets it asks again. That
   they are forgotten with every recovery, and with `erase`, is shown by the simulation (docs/mutation.md).

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   fold, pending              | workers/members.ts (an id pending in an earlier set is sent with this one again)
   cache                      | workers/stored-ids.ts, filled by `stored` (ActorCore.#acknowledge), cleared by `drop`
   lock and compare           | sink/move-offsets.ts, with the ledger's generation
   insert                     | sink/insert-members.ts, merge-hours.ts
   claim                      | PostgresStore.claim (another generation than the one known is a fence)
   recover, link              | Supervisor.#recover, PostgresStore.reset (a connection that broke is never made anew silently)

   Abstracted away: actors (one cache per engine), sessions (the same as users), evictions (an id less in the cache is only sent
   again), hours. */
#ifndef M
#define M 2
#endif
#ifndef MOVES
#define MOVES 1         /* a partition goes to the other engine */
#endif
#ifndef CUTS
#define CUTS 1          /* connections lost: rolled back, or committed without an answer */
#endif
#ifndef RESTORES
#define RESTORES 0
#endif
#ifndef ERASES
#define ERASES 0        /* of user v */
#endif
#ifndef OWNER1
#define OWNER1 1        /* who has partition 1 at first */
#endif
#ifndef EPOCHS
#define EPOCHS 9
#endif
/* bit o: offset o of the partition carries user v, else u */
#ifndef LOG0
#define LOG0 2
#endif
#ifndef LOG1
#define LOG1 4
#endif

#define ACKNOWLEDGED 0  // guard: ids are known as stored only once their set is acknowledged
#define PENDING 1       // guard: an id pending in an earlier set is sent with the next one too
#define RETURNING 2     // guard: only rows really inserted count
#define CONFLICT 3      // guard: INSERT ... ON CONFLICT (removed: look first, then insert)
#define CLEAR 4         // guard: a recovery clears what is known as stored
#define GENERATION 5    // guard: a flush compares the ledger's generation
#define CLAIMED 6       // guard: a claim that finds another generation is a fence
#define LINK 7          // guard: a broken connection leads to a recovery (removed: it is made anew silently)
#define DOUBT 8         // guard: a COMMIT without an answer is not taken for done
#include "removed.pml"

#define BIT(o) (1 << (o))
#define USER(p, o) (((((p) -> LOG1 : LOG0)) & BIT(o)) -> 2 : 1)
#define COUNT(ids) (((ids) & 1) + (((ids) >> 1) & 1))
#define JOINING 1
#define RUNNING 2
#define READY 1
#define LOCKED 2
#define INSERTED 3      /* and COMMIT is under way */
#define DONE 4
#define BROKEN 5

typedef Row { byte next; byte epoch; byte lock }
typedef Set { byte from[2]; byte to[2]; byte epoch[2]; byte ids[2] }
typedef Engine { byte phase[2]; byte epoch[2]; byte expected[2]; byte openFrom[2]; byte openIds[2];
  bit waiting; Set w; byte commit; Set c; byte inserted; byte cache; byte known; bit down }
Row row[2], kept[2];
byte members, total, keptMembers, keptTotal, generation = 1, keptGeneration, erased[2];
bit snapshot;
Engine engine[2];
byte owner[2], moves = MOVES, cuts = CUTS, restores = RESTORES, erases = ERASES;
hidden byte p, q, o, x, bad;

#define E engine[e]
#define OTHER engine[1-e]
#define has(s, p) (s.from[p] < s.to[p])
#define clear(s, p) s.from[p] = 0; s.to[p] = 0; s.epoch[p] = 0; s.ids[p] = 0
#define over() clear(E.c, 0); clear(E.c, 1); E.commit = 0; E.inserted = 0
#define unlock() for (q : 0 .. 1) { if :: row[q].lock == e+1 -> row[q].lock = 0 :: else fi }
#define IDS (E.c.ids[0] | E.c.ids[1])
#define ROWSFREE ((!has(E.c, 0) || !row[0].lock) && (!has(E.c, 1) || !row[1].lock))
#define SENT (without(PENDING) -> (E.cache | E.w.ids[0] | E.w.ids[1] | E.c.ids[0] | E.c.ids[1]) : E.cache)

/* I3, in every committed state: the members are the users of what is stored, and the hour counts each once */
#define check() \
  x = 0; \
  for (q : 0 .. 1) { for (o : 0 .. M-1) { \
    if :: o < row[q].next && (USER(q, o) == 1 || o >= erased[q]) -> x = x | USER(q, o) :: else fi } } \
  assert(x == members); assert(total == COUNT(members)); x = 0; o = 0

#define recover() \
  unlock(); over(); clear(E.w, 0); clear(E.w, 1); E.waiting = 0; E.known = 0; E.down = 0; \
  if :: !without(CLEAR) -> E.cache = 0 :: else fi; \
  for (p : 0 .. 1) { E.epoch[p] = 0; E.expected[p] = 0; E.openFrom[p] = 0; E.openIds[p] = 0; \
    if :: E.phase[p] -> E.phase[p] = JOINING :: else fi }; \
  p = 0

#define claim(p) \
  row[p].epoch++; assert(row[p].epoch <= EPOCHS); \
  if \
  :: E.known && E.known != generation && !without(CLAIMED) -> recover() \
  :: else -> E.known = generation; E.epoch[p] = row[p].epoch; E.expected[p] = row[p].next; E.openFrom[p] = row[p].next; \
     E.openIds[p] = 0; E.phase[p] = RUNNING \
  fi
#define fold(p) \
  if :: !(SENT & USER(p, E.expected[p])) -> E.openIds[p] = E.openIds[p] | USER(p, E.expected[p]) :: else fi; E.expected[p]++
#define lose(p) E.phase[p] = 0; E.epoch[p] = 0; E.expected[p] = 0; E.openFrom[p] = 0; E.openIds[p] = 0; clear(E.w, p)
#define USABLE (!E.down || without(LINK))

proctype Engines(byte e) {
end: do
  :: d_step { owner[0] == e && !E.phase[0] -> E.phase[0] = JOINING }
  :: d_step { owner[1] == e && !E.phase[1] -> E.phase[1] = JOINING }
  :: d_step { owner[0] != e && E.phase[0] -> lose(0) }
  :: d_step { owner[1] != e && E.phase[1] -> lose(1) }
  :: d_step { E.phase[0] == JOINING && owner[0] == e && USABLE && !row[0].lock -> claim(0) }
  :: d_step { E.phase[1] == JOINING && owner[1] == e && USABLE && !row[1].lock -> claim(1) }
  :: d_step { E.phase[0] == RUNNING && E.expected[0] < M -> fold(0) }
  :: d_step { E.phase[1] == RUNNING && E.expected[1] < M -> fold(1) }
  :: d_step { !E.waiting && (E.expected[0] > E.openFrom[0] || E.expected[1] > E.openFrom[1]) ->
       for (p : 0 .. 1) { if :: E.expected[p] > E.openFrom[p] ->
           E.w.from[p] = E.openFrom[p]; E.w.to[p] = E.expected[p]; E.w.epoch[p] = E.epoch[p]; E.w.ids[p] = E.openIds[p];
           E.openFrom[p] = E.expected[p]; E.openIds[p] = 0 :: else fi };
       E.waiting = 1 }
  :: d_step { E.waiting && !E.commit ->
       for (p : 0 .. 1) { E.c.from[p] = E.w.from[p]; E.c.to[p] = E.w.to[p]; E.c.epoch[p] = E.w.epoch[p]; E.c.ids[p] = E.w.ids[p];
         clear(E.w, p) };
       E.waiting = 0; E.commit = ((has(E.c, 0) || has(E.c, 1)) -> READY : 0);
       if :: without(ACKNOWLEDGED) -> E.cache = E.cache | IDS :: else fi }
  :: d_step { E.commit == READY && USABLE && ROWSFREE ->
       bad = (E.known != generation && !without(GENERATION));
       for (p : 0 .. 1) { if :: has(E.c, p) && (row[p].epoch != E.c.epoch[p] || row[p].next != E.c.from[p]) -> bad = 1 :: else fi };
       if
       :: bad -> recover()
       :: else -> for (p : 0 .. 1) { if :: has(E.c, p) -> row[p].lock = e+1 :: else fi }; E.commit = LOCKED
       fi;
       bad = 0 }
  /* keys in one order over the whole set, so that this wait is never circular (locks.pml) */
  :: d_step { E.commit == LOCKED && (without(CONFLICT) || !(IDS & OTHER.inserted)) -> E.inserted = IDS & ~members; E.commit = INSERTED }
  :: d_step { E.commit == INSERTED ->
       total = total + (without(RETURNING) -> COUNT(IDS) : COUNT(E.inserted));
       members = members | E.inserted; E.inserted = 0;
       for (p : 0 .. 1) { if :: has(E.c, p) -> row[p].next = E.c.to[p] :: else fi };
       unlock(); check(); E.commit = DONE }
  :: d_step { E.commit == DONE || E.commit == BROKEN && without(DOUBT) ->
       for (p : 0 .. 1) { if :: has(E.c, p) && E.epoch[p] == E.c.epoch[p] -> E.cache = E.cache | E.c.ids[p] :: else fi };
       over() }
  :: d_step { E.commit == BROKEN && !without(DOUBT) -> recover() }
  :: d_step { E.down && !without(LINK) && E.commit <= READY -> recover() }
  :: d_step { cuts && (E.commit == LOCKED || E.commit == INSERTED) -> cuts--; unlock(); E.inserted = 0; E.commit = BROKEN }
  :: d_step { cuts && E.commit == DONE -> cuts--; E.commit = BROKEN }
  od
}

proctype World() {
end: do
  :: d_step { moves -> moves--; owner[0] = 1 - owner[0] }
  :: d_step { moves -> moves--; owner[1] = 1 - owner[1] }
  :: d_step { restores && !snapshot -> snapshot = 1; keptMembers = members; keptTotal = total; keptGeneration = generation;
       for (p : 0 .. 1) { kept[p].next = row[p].next; kept[p].epoch = row[p].epoch };
       p = 0 }
  :: d_step { restores && snapshot -> restores--; members = keptMembers; total = keptTotal; generation = keptGeneration;
       for (p : 0 .. 1) { row[p].next = kept[p].next; row[p].epoch = kept[p].epoch; row[p].lock = 0; kept[p].next = 0; kept[p].epoch = 0 };
       for (q : 0 .. 1) { engine[q].inserted = 0; engine[q].down = 1;
         if :: engine[q].commit == LOCKED || engine[q].commit == INSERTED || engine[q].commit == DONE -> engine[q].commit = BROKEN :: else fi };
       keptMembers = 0; keptTotal = 0; keptGeneration = 0 }
  :: d_step { erases && !row[0].lock && !row[1].lock -> erases--; generation++;
       total = total - ((members >> 1) & 1); members = members & 1;
       for (p : 0 .. 1) { erased[p] = row[p].next };
       p = 0 }
  :: d_step { moves || cuts || erases || (restores && !snapshot) -> moves = 0; cuts = 0; erases = 0; restores = (snapshot -> restores : 0) }
  od
}

proctype Quiet() { timeout -> d_step { assert(row[0].next == M && row[1].next == M); check() } }

init {
  READ_REMOVED
  atomic { owner[1] = OWNER1; run Engines(0); run Engines(1); run World(); run Quiet() }
}
