/* One bad message never stops a partition, and never takes an innocent one with it (steps 10 and 11; I9).

   One engine, one partition, M messages. Those in KILLERS kill their actor whenever it touches them; those in REFUSED are refused by
   Postgres in the COPY of the events. Besides, actors die and Postgres refuses rows for reasons that lie in no message (LOSSES,
   REFUSALS), and the process restarts (CRASHES) with none of its lists. In the end every message is stored, the bad ones as dead
   letters and no other.

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   route, cut, hold           | Intake.batch, Suspicion.cut, Care.holdForTrial, Suspicion.trial
   fold                       | workers/core.ts, workers/suspects.ts (notes the record in hand, turns condemned ones into dead letters)
   lost                       | Crew.lost -> Care.lost -> Suspicion.lost
   COPY refused               | sink/flush.ts and refused-row.ts -> Care.refused -> Condemned.refused
   commit                     | Care.committed -> Suspicion.passed, Condemned.passed
   recover                    | Supervisor.#recover, Suspicion.recovered

   Abstracted away: fences and doubts (offsets.pml), other partitions (all of them are held during a trial), the second actor, the
   budgets of losses that end the process, finding the row by bisection. What the actors are told is with them at once: it is posted
   before the recovery's slices, on the same port. */
#ifndef M
#define M 3
#endif
#ifndef KILLERS
#define KILLERS 2       /* bit o: message o */
#endif
#ifndef REFUSED
#define REFUSED 0
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef REFUSALS
#define REFUSALS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

#define REPEATED 0      // guard: Postgres must refuse a row twice before its message is condemned
#define SECONDLOSS 1    // guard: only a second loss at the same offsets makes them suspects
#define ALONE 2         // guard: the accused is tried alone (removed: a death while others are held counts too)
#define TWICE 3         // guard: the accused must kill two actors
#define CUT 4           // guard: a batch is cut before and behind the accused
#define FRESH 5         // guard: a trial begins with actors that hold nothing else
#define HOLD 6          // guard: while the accused is tried, nothing else is read
#define TELL 7          // guard: actors are told what is condemned
#define INHAND 8        // guard: the actor notes a suspect before it touches it
#include "removed.pml"

#define BIT(o) (1 << (o))
#define NOBODY 255
#define ALL (BIT(M) - 1)
#define BAD (KILLERS | REFUSED)
/* what was accepted since the last recovery */
#define NOTHING 0
#define ACCUSED 1
#define OTHERS 2

byte next, rows, dead;                                  /* Postgres: next_offset, events, dead letters */
byte expected, folded, deadHeld, openFrom;              /* supervisor and actor; deadHeld: folded into dead letters */
byte waitFrom, waitTo, commitFrom, commitTo;
byte lastFrom, lastTo, suspectFrom, suspectTo;          /* Suspicion */
byte accused = NOBODY, deaths, held;
byte condemned, refusedOnce;                            /* Condemned */
byte losses = LOSSES, refusals = REFUSALS, crashes = CRASHES;
hidden byte o, to, inHand, first;

#define IDLE (expected == openFrom && waitFrom == waitTo && commitFrom == commitTo)
#define REACHED (expected == accused && IDLE)
#define NEEDSFRESH (accused != NOBODY && REACHED && held != NOTHING && !without(FRESH))
#define FLOWS (accused == NOBODY || without(HOLD) || expected < accused || (REACHED && !NEEDSFRESH))
#define CUTAT(limit) ((accused == NOBODY || without(CUT) || expected > accused) -> limit : \
  (expected < accused -> (accused < limit -> accused : limit) : (accused + 1 < limit -> accused + 1 : limit)))

#define recover() \
  expected = next; folded = next; openFrom = next; deadHeld = 0; waitFrom = 0; waitTo = 0; commitFrom = 0; commitTo = 0; held = NOTHING

/* Suspicion.lost: `inHand` is what the dead actor had noted */
#define lost() \
  first = !(lastFrom < expected && next < lastTo); \
  lastFrom = next; lastTo = expected; \
  if \
  :: accused != NOBODY && (held == ACCUSED || without(ALONE)) -> \
     deaths++; \
     if :: deaths == 2 || without(TWICE) -> condemned = condemned | BIT(accused); accused = NOBODY; deaths = 0 :: else fi \
  :: else -> \
     if \
     :: inHand != NOBODY && suspectFrom <= inHand && inHand < suspectTo -> accused = inHand; deaths = 0 \
     :: else -> if :: !first || without(SECONDLOSS) -> suspectFrom = next; suspectTo = expected :: else fi \
     fi \
  fi; \
  recover()

/* Condemned.refused, of the row of message o */
#define refuse() \
  if \
  :: (refusedOnce & BIT(o)) || without(REPEATED) -> condemned = condemned | BIT(o) \
  :: else -> refusedOnce = refusedOnce | BIT(o) \
  fi; \
  recover()

#define accept(limit) \
  to = CUTAT(limit); \
  held = ((accused == expected && to == expected + 1 && held == NOTHING) -> ACCUSED : OTHERS); \
  expected = to; to = 0

proctype Engine() {
end: do
  /* a batch of one or of two records */
  :: d_step { expected < M && FLOWS -> accept(expected + 1) }
  :: d_step { expected + 1 < M && FLOWS -> accept(expected + 2) }
  :: d_step { NEEDSFRESH -> recover() }
  :: d_step { folded < expected ->
       if
       :: (condemned & BIT(folded)) && !without(TELL) -> deadHeld = deadHeld | BIT(folded); folded++
       :: (KILLERS & BIT(folded)) && !((condemned & BIT(folded)) && !without(TELL)) ->
          inHand = ((suspectFrom < suspectTo && !without(INHAND)) -> folded : NOBODY); lost(); inHand = 0; first = 0
       :: else -> folded++
       fi }
  /* barrier; complete when the actor has folded that far */
  :: d_step { expected > openFrom && waitFrom == waitTo -> waitFrom = openFrom; waitTo = expected; openFrom = expected }
  :: d_step { waitFrom < waitTo && folded >= waitTo && commitFrom == commitTo ->
       commitFrom = waitFrom; commitTo = waitTo; waitFrom = 0; waitTo = 0 }
  :: d_step { commitFrom < commitTo ->
       /* Postgres names the first row that it refuses */
       o = commitFrom;
       do
       :: o < commitTo && (!(REFUSED & BIT(o)) || (deadHeld & BIT(o))) -> o++
       :: else -> break
       od;
       if
       :: o < commitTo -> refuse()
       :: else ->
          for (o : commitFrom .. commitTo - 1) {
            if :: deadHeld & BIT(o) -> dead = dead | BIT(o) :: else -> rows = rows | BIT(o) fi };
          assert(!(dead & ~BAD));                         /* no innocent message becomes a dead letter */
          assert(!(rows & REFUSED));
          next = commitTo; commitFrom = 0; commitTo = 0;
          if :: accused != NOBODY && accused < next -> accused = NOBODY; deaths = 0 :: else fi;
          if :: lastTo <= next -> lastFrom = 0; lastTo = 0 :: else fi;
          if :: suspectTo <= next -> suspectFrom = 0; suspectTo = 0 :: else fi;
          condemned = condemned & ~(BIT(next) - 1); deadHeld = deadHeld & ~(BIT(next) - 1)
       fi;
       o = 0 }
  /* faults that lie in no message: a day attached in mid-COPY, a thread that runs out of memory, a kill -9 */
  :: d_step { refusals && commitFrom < commitTo -> refusals--; o = commitFrom; refuse(); o = 0 }
  :: d_step { losses && expected > next -> losses--;
       inHand = ((suspectFrom < suspectTo && folded < expected && !without(INHAND)) -> folded : NOBODY); lost(); inHand = 0; first = 0 }
  :: d_step { crashes -> crashes--; recover(); lastFrom = 0; lastTo = 0; suspectFrom = 0; suspectTo = 0; accused = NOBODY; deaths = 0;
       condemned = 0; refusedOnce = 0 }
  :: d_step { losses || refusals || crashes -> losses = 0; refusals = 0; crashes = 0 }
  od
}

proctype Quiet() { timeout -> assert(next == M); assert(dead == BAD); assert((rows | dead) == ALL) }

init { READ_REMOVED atomic { run Engine(); run Quiet() } }
