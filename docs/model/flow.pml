/* Overload, barriers and stopping: every queue has a limit, a pause is always lifted, a set is complete, and a stop ends (I8, I7, 13).

   One engine, one partition, MESSAGES messages of one credit each; message i belongs to the shard i % 2. Two actors behind FIFO ports.
   The mailboxes and the sets have an account each with two marks: full at the high one, open again below half of it.

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   accounts, pauses           | Credit (credits.ts), Supervisor.#press, Pauses
   route, barrier             | Router, Flusher.accept and freezeIfDue (its timer runs while Kafka is paused)
   actors                     | workers/core.ts; `folded` comes for stale slices too
   complete, take, commit     | Ledger.part and take, Flusher.#commit
   recover                    | Supervisor.#recover, Flusher.drop (clears the account of the sets), Crew.drop
   lost, silent               | Crew.lost, ActorWatch.lost (gives back the mailbox), Watchdog and ActorWatch.silent
   stop                       | Supervisor.drain

   Abstracted away: bytes (a message is one), the claim behind a recovery (at once), COMMITs that take long may take any time. */
#ifndef MESSAGES
#define MESSAGES 5
#endif
#ifndef HIGH
#define HIGH 2          /* of both accounts */
#endif
#ifndef LOSSES
#define LOSSES 1        /* actors that die */
#endif
#ifndef HANGS
#define HANGS 0         /* actors that hang */
#endif
#ifndef FENCES
#define FENCES 1
#endif
#ifndef STOPS
#define STOPS 0
#endif

#define ALLPARTS 0      // guard: a set is complete when every actor has answered
#define BEHIND 1        // guard: a barrier is behind the data on every port
#define TIMER 2         // guard: the timer of the barrier runs while Kafka is paused
#define CLEARED 3       // guard: a recovery gives back the credit of the sets it drops
#define STALE 4         // guard: stale slices give back their credit when an actor meets them
#define MAILBOX 5       // guard: the credit of a dead actor's mailbox comes back
#define LIFTED 6        // guard: a reason to pause is taken away when its account is open again
#define SILENCE 7       // guard: an actor that is silent for too long is replaced
#define LASTBARRIER 8   // guard: stopping freezes the open set at once
#define PRESSURE 9      // guard: a full account pauses Kafka
#include "removed.pml"

#define BIT(o) (1 << (o))
#define SLICE 0
#define FREEZE 1
#define DROP 2
chan port0 = [12] of { byte, byte, byte };      chan port1 = [12] of { byte, byte, byte };    /* kind, offset or set, incarnation */
chan answers = [4] of { byte, byte, byte };                                                 /* set, shard, folded */
byte next, stored;                                      /* Postgres */
byte expected, openFrom, number, incarnation;
byte waiting, waitingNo, waitFrom, waitTo, waitData, answered;  /* 1 frozen, 2 complete */
byte commit, commitFrom, commitTo, commitData;
byte held[2], current[2];                               /* the actors: what is folded, their incarnation */
byte mailbox[2], mailboxes, sets;                       /* the accounts */
bit actorsFull, setsFull, pausedActors, pausedFlush, hung[2], stopping, stopped;
byte losses = LOSSES, hangs = HANGS, fences = FENCES, stops = STOPS;
hidden byte a, b, d, g;

#define IDLE (expected == openFrom && !waiting && !commit)
#define PAUSED (pausedActors || pausedFlush || stopping)
#define marks() \
  actorsFull = (mailboxes >= HIGH || (actorsFull && 2 * mailboxes >= HIGH)); \
  setsFull = (sets >= HIGH || (setsFull && 2 * sets >= HIGH)); \
  pausedActors = ((actorsFull && !without(PRESSURE)) || (pausedActors && without(LIFTED))); \
  pausedFlush = ((setsFull && !without(PRESSURE)) || (pausedFlush && without(LIFTED)))
#define recover() \
  waiting = 0; waitFrom = 0; waitTo = 0; waitData = 0; answered = 0; commit = 0; commitFrom = 0; commitTo = 0; commitData = 0; \
  if :: !without(CLEARED) -> sets = 0 :: else fi; \
  expected = next; openFrom = next; incarnation++; \
  port0!DROP, 0, incarnation; port1!DROP, 0, incarnation; \
  marks()

proctype Supervisor() {
end: do
  :: d_step { !PAUSED && expected < MESSAGES ->
       if :: expected % 2 == 0 -> port0!SLICE, expected, incarnation :: else -> port1!SLICE, expected, incarnation fi;
       mailbox[expected % 2]++; mailboxes++; sets++; expected++;
       assert(mailboxes <= HIGH); assert(sets <= HIGH);
       marks() }
  :: d_step { !waiting && expected > openFrom && (!PAUSED || !without(TIMER)) && (!stopping || !without(LASTBARRIER)) ->
       number++; waitingNo = number; waiting = 1; waitFrom = openFrom; waitTo = expected; openFrom = expected;
       port0!FREEZE, number, incarnation; port1!FREEZE, number, incarnation }
  :: d_step { answers?a, b, d ->
       if
       :: waiting == 1 && a == waitingNo ->
          waitData = waitData | d; answered = answered | BIT(b);
          if :: answered == 3 || without(ALLPARTS) -> waiting = 2 :: else fi
       :: else
       fi }
  :: d_step { waiting == 2 && !commit ->
       commit = 1; commitFrom = waitFrom; commitTo = waitTo; commitData = waitData;
       waiting = 0; waitFrom = 0; waitTo = 0; waitData = 0; answered = 0 }
  :: d_step { commit == 1 ->
       assert(commitFrom == next); assert(!(stored & commitData));
       stored = stored | commitData; next = commitTo; assert(stored == BIT(next) - 1);
       commit = 2 }
  :: d_step { commit == 2 -> sets = sets - (commitTo - commitFrom); commit = 0; commitFrom = 0; commitTo = 0; commitData = 0; marks() }
  :: d_step { fences && commit && nfull(port0) && nfull(port1) -> fences--; recover() }
  :: d_step { stops -> stops--; stopping = 1 }
  :: d_step { stopping && !stopped && IDLE -> stopped = 1 }
  :: d_step { losses || fences || stops || hangs -> losses = 0; fences = 0; stops = 0; hangs = 0 }
  od
}

#define lost(i, mine) \
  do :: len(mine) -> mine?a, b, d :: else -> break od; \
  if :: !without(MAILBOX) -> mailboxes = mailboxes - mailbox[i]; mailbox[i] = 0 :: else fi; \
  held[i] = 0; hung[i] = 0; \
  recover()

proctype Actor(byte i; chan mine) {
end: do
  :: d_step { !hung[i] && without(BEHIND) && nfull(answers) && mine??[FREEZE, _, _] -> mine??FREEZE, b, d; answers!b, i, held[i]; held[i] = 0 }
  :: d_step { !hung[i] && len(mine) && nfull(answers) ->
       mine?a, b, d;
       if
       :: a == SLICE ->
          if :: d == current[i] -> held[i] = held[i] | BIT(b) :: else fi;
          /* `folded`: the credit comes back */
          if :: (d == incarnation || !without(STALE)) && mailbox[i] -> mailbox[i]--; mailboxes-- :: else fi;
          marks()
       :: a == FREEZE -> if :: d == current[i] -> answers!b, i, held[i]; held[i] = 0 :: else fi
       :: a == DROP -> held[i] = 0; current[i] = d
       fi;
       a = 0 }
  :: d_step { losses && !stopped && nfull(port0) && nfull(port1) -> losses--; lost(i, mine); a = 0 }
  :: d_step { hangs && !hung[i] -> hangs--; hung[i] = 1 }
  :: d_step { hung[i] && !without(SILENCE) && len(mine) && nfull(port0) && nfull(port1) -> lost(i, mine); a = 0 }
  od
}

/* Everything is stored, or, when stopped, nothing is under way; the accounts are empty and nothing stays paused. */
proctype Quiet() {
  timeout -> d_step {
    assert(stopping || next == MESSAGES); assert(!stopping || stopped);
    assert(IDLE); assert(sets == 0); assert(stopped || mailboxes == 0); assert(!pausedActors && !pausedFlush || stopped) }
}

init { READ_REMOVED atomic { run Supervisor(); run Actor(0, port0); run Actor(1, port1); run Quiet() } }
