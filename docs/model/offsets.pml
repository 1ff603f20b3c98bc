/* Offsets, epochs, sets and recovery: nothing is lost or stored twice, whatever dies, hangs or wakes up again.

   Two engines, NP partitions of M offsets, one consumer group, one Postgres. An engine may be slow for ever at any point (it just
   takes no step), which makes every engine a possible zombie. Faults have budgets and may stop at any moment (World), so every run
   ends unless the protocol itself loops; then everything must be stored (Quiet).

   process, action            | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   join                       | Supervisor.joined, Assignment.join (kept and lost), Supervisor.#forget, RecoveryGate.joined
   claim: ask, lock, answer   | Claimer.startIfDue, sink/claim.ts, Claimer.#claim -> Positions.claimed, OwnedPartition.adopt
   terminate                  | sink/blockers.ts (who waits for a lock for 5 s ends the backend of an engine that does not move)
   route, post                | Intake.batch and skipped, Router.route, Router.flush
   actor                      | workers/core.ts (state keyed by partition and epoch; slice, freeze, forget, drop)
   barrier, part, take        | Flusher.freezeIfDue, Ledger.freeze, Ledger.part, Ledger.take and sealed
   lock and move, COMMIT      | sink/move-offsets.ts; commit.ts: commit and its tag
   acknowledge                | Flusher.#commit, Supervisor.#committed, Assignment.committed
   recover                    | Supervisor.#recover, Recovery.begin, Ledger.drop, Router.drop, Crew.drop, PostgresStore.reset
   heartbeat                  | RecoveryGate.heartbeat
   replaced                   | Crew.lost and #replace, ActorPool.replace, Crew.isWhole

   Abstracted away: one actor (flow.pml has two), messages one by one, what is in a message (members.pml, bad-records.pml), reading
   back the last record (identity.pml), the order of locks and who waits for whom (locks.pml), backoff (time does not exist; any
   wait may take any time). A claim takes its rows in one step: between its locks and its COMMIT nobody else can touch the rows,
   so that a claim whose COMMIT runs after its connection was given up equals one that ran before. */
#ifndef NP
#define NP 1            /* partitions */
#endif
#ifndef M
#define M 2             /* offsets per partition */
#endif
#ifndef GAP
#define GAP 0           /* bit o set: offset o has no record (compacted, aborted, a marker) */
#endif
#ifndef REBALANCES
#define REBALANCES 1
#endif
#ifndef FAULTS
#define FAULTS 0        /* all together; each kind at most once */
#endif
#ifndef KINDS
#define KINDS 7         /* 1 crash, 2 actor lost, 4 connection lost or transaction refused */
#endif
#ifndef PACK
#define PACK 0          /* 1: a transfer buffer between router and port, posted later; 0: posted at once */
#endif
#ifndef OWNER1
#define OWNER1 1        /* who has partition 1 at first; engine 0 has partition 0 */
#endif
#ifndef SLOWBEAT
#define SLOWBEAT 0      /* 1: a heartbeat from before the rebalance may be answered after it */
#endif
#ifndef EPOCHS
#define EPOCHS 9        /* epochs above this mean two engines taking a partition from each other without end */
#endif

#define EPOCH 0         // guard: the epoch is compared in the transaction
#define FROM 1          // guard: next_offset = from is compared in the transaction
#define COUNT 2         // guard: the number of rows moved is compared
#define TAG 3           // guard: the tag of COMMIT is read
#define RAISE 4         // guard: a claim raises the epoch
#define FENCE 5         // guard: a batch is accepted only at `expected`
#define HEARTBEAT 6     // guard: after a recovery, claim only behind heartbeats or a join
#define SECOND 7        // guard: of the heartbeats, the second one counts
#define FORGET_LOST 8   // guard: what is lost or claimed is forgotten by actors and ledger
#define KEYED 9         // guard: actors key what they hold by epoch
#define SEALED 10       // guard: folds of an epoch that is not the set's are left out
#define DROP 11         // guard: a recovery makes the actors drop what they hold
#define UNPACK 12       // guard: a recovery empties the transfer buffers
#define SETNUMBER 13    // guard: an answer to a barrier must name the set that waits for it
#define INCARNATION 14  // guard: an answer of an older incarnation is ignored
#define DOUBT 15        // guard: a COMMIT without an answer leads to a recovery (removed: it is taken for done)
#define WHOLE 16        // guard: nothing is claimed while an actor is being replaced
#define KEPT 17         // guard: a kept partition goes on at `expected` (removed: at what is durable)
#define BARRIER 18      // guard: what is packed is posted before the barrier
#define RELEASE 19      // guard: a recovery gives up all partitions and asks the rows (removed: it goes on at what is durable)
#include "removed.pml"

#include "offsets-state.pml"

proctype Engines(byte e; chan port; chan pack; chan answer) {
end: do
  /* 1. join: kept partitions go on, lost ones are forgotten, new ones wait for a claim */
  :: d_step { E.up && E.generation != generation && len(port) <= PORT-NP && empty(pack) ->
       E.generation = generation; E.beats = 0; E.beat = 0;
       for (p : 0 .. NP-1) {
         if
         :: owner[p] == e ->
            if :: E.phase[p] != RUNNING -> E.phase[p] = JOINING
            :: E.phase[p] == RUNNING && without(KEPT) -> E.expected[p] = E.durable[p]; E.openFrom[p] = E.durable[p]
            :: else fi
         :: owner[p] != e && E.phase[p] ->
            if :: E.phase[p] == RUNNING -> forget(p, 0) :: else fi;
            E.phase[p] = NONE; E.epoch[p] = 0; E.expected[p] = 0; E.durable[p] = 0; E.openFrom[p] = 0
         :: else fi } }
  /* 2. claim: ask, for everything that waits for it */
  :: d_step { E.up && E.claim == 0 && WANTS && GATE ->
       for (p : 0 .. NP-1) { if :: E.phase[p] == JOINING -> E.phase[p] = CLAIMING; E.due[p] = 1 :: else fi };
       E.claim = 1 }
  /* its locks come when they are free, or when it has ended the backends that hold them */
  :: d_step { E.claim == 1 ->
       for (p : 0 .. NP-1) { if :: E.due[p] && row[p].lock -> terminate(p) :: else fi };
       for (p : 0 .. NP-1) {
         if
         :: E.due[p] ->
            if :: !without(RAISE) || row[p].epoch == 0 -> row[p].epoch++ :: else fi;
            assert(row[p].epoch <= EPOCHS);
            E.claimEpoch[p] = row[p].epoch; E.claimNext[p] = row[p].next
         :: else fi };
       E.claim = 2 }
  /* its answer counts for those that are still the ones it was asked for */
  :: d_step { E.up && E.claim == 2 && len(port) <= PORT-NP && empty(pack) ->
       for (p : 0 .. NP-1) {
         if
         :: E.due[p] && E.phase[p] == CLAIMING ->
            E.expected[p] = E.claimNext[p]; forget(p, E.claimEpoch[p]);
            E.epoch[p] = E.claimEpoch[p]; E.durable[p] = E.claimNext[p];
            E.phase[p] = RUNNING
         :: else fi;
         E.due[p] = 0; E.claimEpoch[p] = 0; E.claimNext[p] = 0 };
       E.claim = 0 }
  /* 4. route one record, or a gap, exactly at `expected` */
  :: d_step { E.up && E.phase[0] == RUNNING && E.expected[0] < M && CANROUTE ->
       if :: GAP & BIT(E.expected[0]) :: else -> toActor(0, E.expected[0]) fi; E.expected[0]++ }
  :: d_step { without(FENCE) && E.up && E.phase[0] == RUNNING && E.expected[0] < M-1 && CANROUTE ->    /* the consumer jumped */
       toActor(0, E.expected[0] + 1); E.expected[0] = E.expected[0] + 2 }
#if NP == 2
  :: d_step { E.up && E.phase[1] == RUNNING && E.expected[1] < M && CANROUTE ->
       if :: GAP & BIT(E.expected[1]) :: else -> toActor(1, E.expected[1]) fi; E.expected[1]++ }
#endif
  /* the transfer buffer is posted */
  :: d_step { len(pack) && E.up && len(port) < PORT -> pack?a, b, d; port!SLICE, a, b, d }
  /* 5. the actor */
  :: d_step { E.up && E.whole && len(port) && nfull(answer) ->
       port?k, a, b, d;
       if
       :: k == SLICE ->
          if
          :: E.heldEpoch[a] == b || without(KEYED) ->
             if :: E.held[a] & BIT(d) -> E.held[a] = E.held[a] | TWICE :: else -> E.held[a] = E.held[a] | BIT(d) fi
          :: else -> E.held[a] = BIT(d)     /* what is held of older epochs can be left out here: no set will take it */
          fi;
          E.heldEpoch[a] = b
       :: k == FREEZE ->
#if NP == 1
          answer!a, b, E.heldEpoch[0], E.held[0]; E.held[0] = 0; E.heldEpoch[0] = 0
#else
          answer!a, b, E.heldEpoch[0], E.held[0], E.heldEpoch[1], E.held[1];
          E.held[0] = 0; E.held[1] = 0; E.heldEpoch[0] = 0; E.heldEpoch[1] = 0
#endif
       :: k == FORGET -> E.held[a] = 0; E.heldEpoch[a] = 0
       :: k == DROPALL -> for (p : 0 .. NP-1) { E.held[p] = 0; E.heldEpoch[p] = 0 }
       fi }
  /* 6. barrier, behind the data */
  :: d_step { E.up && E.waiting == 0 && MOVED && (empty(pack) || without(BARRIER)) && len(port) < PORT ->
       E.number = (E.number + 1) % NUMBERS; E.waitingNo = E.number; E.waiting = 1;
       for (p : 0 .. NP-1) {
         if
         :: E.epoch[p] && E.expected[p] > E.openFrom[p] ->
            E.w[p].from = E.openFrom[p]; E.w[p].to = E.expected[p]; E.w[p].epoch = E.epoch[p]; E.openFrom[p] = E.expected[p]
         :: else fi };
       if :: E.whole -> port!FREEZE, E.waitingNo, E.incarnation, 0 :: else fi }
  /* the actor's part; one that the set does not wait for is dropped */
  :: d_step { E.up && len(answer) ->
#if NP == 1
       answer?n, i, a, b;
#else
       answer?n, i, a, b, x, y;
#endif
       if
       :: E.waiting == 1 && (without(SETNUMBER) || n == E.waitingNo) && (without(INCARNATION) || i == E.incarnation) ->
          E.waiting = 2;
          // sealed: only folds of the set's own epochs
          if :: has(E.w[0]) && (a == E.w[0].epoch || without(SEALED)) -> E.w[0].data = b :: else fi;
#if NP == 2
          if :: has(E.w[1]) && (x == E.w[1].epoch || without(SEALED)) -> E.w[1].data = y :: else fi;
#endif
       :: else fi }
  /* the waiting set goes to COMMIT */
  :: d_step { E.up && E.waiting == 2 && E.commit == 0 ->
       copyAll(E.c, E.w); clearAll(E.w); E.waiting = 0; E.waitingNo = 0; E.commit = READY;
#if NP == 1
       if :: !has(E.c[0]) -> E.commit = 0 :: else fi
#else
       if :: !has(E.c[0]) && !has(E.c[1]) -> E.commit = 0 :: else fi
#endif
     }
  /* 7. rows locked, compared and moved; a wrong count is a fence */
  :: d_step { E.up && E.commit == READY && ROOM(E.c) && len(port) < PORT ->
       bad = 0;
       for (p : 0 .. NP-1) { if :: has(E.c[p]) && !MATCHES(p, E.c[p]) -> bad = 1 :: else fi };
       if
       :: bad && !without(COUNT) -> recover()
       :: else -> for (p : 0 .. NP-1) { if :: has(E.c[p]) -> row[p].lock = WRITER :: else fi }; E.commit = LOCKED
       fi }
  /* Postgres executes the COMMIT */
  :: d_step { E.commit == LOCKED -> store(E.c); unlock(WRITER); E.commit = DONE }
  /* 8. acknowledge; the offset published to Kafka is behind Postgres (I6) */
  :: d_step { E.up && (E.commit == DONE || E.commit == REFUSED && without(TAG) || E.commit == BROKEN && without(DOUBT)) ->
       for (p : 0 .. NP-1) {
         if :: has(E.c[p]) && E.c[p].epoch == E.epoch[p] -> E.durable[p] = E.c[p].to; assert(row[p].next >= E.c[p].to) :: else fi };
       clearAll(E.c); E.commit = 0 }
  /* 9. recover from a doubt */
  :: d_step { E.up && (E.commit == REFUSED && !without(TAG) || E.commit == BROKEN && !without(DOUBT)) && len(port) < PORT -> recover() }
  /* a heartbeat */
  :: d_step { E.up && E.beats && E.generation == generation -> E.beats = 0 }        /* two heartbeats sent since, both good */
  :: d_step { E.up && E.beats && E.beat -> E.beat = 0; E.beats = (without(SECOND) -> 0 : 1) }  /* one was under way before */
  :: d_step { SLOWBEAT && rebalances && E.up && E.generation == generation && !E.beat -> E.beat = 1 }
  /* the backend of a lost connection: its COMMIT runs, or it never came */
  :: d_step { E.orphan -> store(E.o); unlock(ORPHAN); E.orphan = 0; clearAll(E.o) }
  :: d_step { E.orphan -> unlock(ORPHAN); E.orphan = 0; clearAll(E.o) }
  /* 11. actor lost: its mailbox and all it held are gone; a new thread comes later */
  :: d_step { E.up && faults && (kinds & 2) && OURS && E.whole && !E.orphan -> faults--; kinds = kinds - 2;
       do :: len(port) -> port?k, a, b, d :: else -> break od;
       for (p : 0 .. NP-1) { E.held[p] = 0; E.heldEpoch[p] = 0 };
       // nobody doubts the membership: the gate stays as it was
       E.whole = 0; bad = E.beats; recover(); E.beats = bad; bad = 0 }
  /* a new actor is there */
  :: d_step { E.up && !E.whole -> E.whole = 1 }
  /* faults of the connection and of the process */
  :: d_step { faults && (kinds & 4) && E.commit == LOCKED -> faults--; kinds = kinds - 4; unlock(WRITER); E.commit = BROKEN }
  :: d_step { faults && (kinds & 4) && E.commit == LOCKED -> faults--; kinds = kinds - 4; unlock(WRITER); E.commit = REFUSED }
  :: d_step { faults && (kinds & 4) && E.commit == LOCKED && !E.orphan -> faults--; kinds = kinds - 4;
       E.orphan = 1; copyAll(E.o, E.c); relock(WRITER, ORPHAN); E.commit = BROKEN }
  :: d_step { faults && (kinds & 4) && E.commit == DONE -> faults--; kinds = kinds - 4; E.commit = BROKEN }
  :: d_step { faults && (kinds & 4) && E.claim && len(port) < PORT && !E.orphan -> faults--; kinds = kinds - 4; recover() }
  :: d_step { E.up && faults && (kinds & 1) && !E.orphan -> faults--; kinds = kinds - 1;
       if :: E.commit == LOCKED -> E.orphan = 1; copyAll(E.o, E.c); relock(WRITER, ORPHAN) :: else fi;
       clearAll(E.c); clearAll(E.w); E.commit = 0; E.waiting = 0; E.waitingNo = 0; E.claim = 0;
       E.generation = 0; E.beats = 0; E.beat = 0; E.up = 0; E.whole = 1; E.number = 0; E.incarnation = 0;
       for (p : 0 .. NP-1) {
         E.phase[p] = 0; E.epoch[p] = 0; E.expected[p] = 0; E.durable[p] = 0; E.openFrom[p] = 0;
         E.due[p] = 0; E.claimEpoch[p] = 0; E.claimNext[p] = 0; E.held[p] = 0; E.heldEpoch[p] = 0 };
       do :: len(port) -> port?k, a, b, d
          :: empty(port) && len(pack) -> pack?a, b, d
#if NP == 1
          :: empty(port) && empty(pack) && len(answer) -> answer?n, i, a, b
#else
          :: empty(port) && empty(pack) && len(answer) -> answer?n, i, a, b, x, y
#endif
          :: empty(port) && empty(pack) && empty(answer) -> break
       od }
  :: d_step { !E.up -> E.up = 1 }
  od
}

/* The group moves partitions; faults may stop at any moment. */
proctype World() {
end: do
  :: d_step { rebalances -> rebalances--; generation++; owner[0] = 1 - owner[0] }
  :: d_step { rebalances -> rebalances--; generation++ }
#if NP == 2
  :: d_step { rebalances -> rebalances--; generation++; owner[0] = 1 - owner[0]; owner[1] = 1 - owner[1] }
  :: d_step { rebalances -> rebalances--; generation++; owner[1] = 1 - owner[1] }
#endif
  :: d_step { rebalances || faults -> rebalances = 0; faults = 0; kinds = 0 }
  od
}

/* Nothing can move any more: everything is stored, nothing is locked (I7). */
proctype Quiet() {
  timeout -> d_step { for (q : 0 .. NP-1) { assert(row[q].next == M); assert(row[q].lock == 0) } q = 0 }
}

init {
  READ_REMOVED
  atomic {
#if NP == 2
    owner[1] = OWNER1;
#endif
    engine[0].up = 1; engine[0].whole = 1; engine[1].up = 1; engine[1].whole = 1;
    run Engines(0, port0, pack0, answer0); run Engines(1, port1, pack1, answer1); run World(); run Quiet()
  }
}
