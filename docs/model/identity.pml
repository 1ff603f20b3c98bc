/* Where to go on: the engine never jumps, and never takes a new log for the old one.

   One engine, one partition. The log has a low and a high watermark and a version: 0 at first, 1 when the topic was deleted and created
   again under the same name (and perhaps filled again). Retention raises the low watermark. The offset row keeps the last record
   counted; it is read back before the first new one is accepted.

   here                       | in the code
   ---------------------------+----------------------------------------------------------------------------------------------
   claim and judge            | Claimer.#claim (watermarks read behind the lock), judge-claim.ts, Positions.claimed and halt
   read back                  | Intake.batch (verify), Intake.#verified, Positions.recreated and unverified
   route, seek, lost position | Intake.batch, Positions.seek, positionLost, #findPosition
   unstall                    | StallWatch, Positions.unstall (a log that ends before our position: recover and claim)
   commit                     | sink/move-offsets.ts: last_record_offset and its identity move with next_offset
   recover                    | Supervisor.#recover; a kept partition (Positions.kept) is not read back
   fetch by id                | kafka/fetch-by-id.ts, topic-follower.ts: another id at a join makes every partition lost

   Abstracted away: sets (a commit takes everything read), other engines, gaps, the consumer's own confusion. */
#ifndef M
#define M 3             /* length of the first log */
#endif
#ifndef M1
#define M1 4            /* length of the new one, once it is filled */
#endif
#ifndef TRIMS
#define TRIMS 0
#endif
#ifndef RECREATIONS
#define RECREATIONS 1
#endif
#ifndef RESTARTS
#define RESTARTS 1      /* restarts and recoveries */
#endif
#ifndef LIVE
#define LIVE 0          /* 1: the topic may be recreated while the engine reads it; 2: only once everything has been read */
#endif

#define READBACK 0      // guard: the last record counted is read back before the first new one
#define BELOW 1         // guard: a position below the log's start halts the partition
#define ABOVE 2         // guard: a position above the log's end halts the partition
#define BEHIND 3        // guard: the watermarks are read behind the lock of the claim
#define TOGETHER 4      // guard: the identity of the last record moves with next_offset
#define SHRANK 5        // guard: a log that ends before our position leads to a claim
#define BYID 6          // guard: a fetch names the topic by its id, and another id makes the partition lost
#include "removed.pml"

#define NOBODY 255
#define JOINING 0
#define VERIFYING 1
#define RUNNING 2
#define HALTED 3
#define DOWN 4
byte low, high = 1, version;
byte next, last = NOBODY, lastVersion;                  /* the offset row */
byte counted = NOBODY;                                  /* the version of what was really counted last, for the promise */
byte phase, expected, from, verify = NOBODY, verifyVersion, readVersion = NOBODY, unverified;
byte fetched;                                           /* the topic that fetches ask for, by id */
byte seenLow, seenHigh = 1;                             /* watermarks read before the lock */
byte trims = TRIMS, recreations = RECREATIONS, restarts = RESTARTS;

#define LOWSEEN (without(BEHIND) -> seenLow : low)
#define HIGHSEEN (without(BEHIND) -> seenHigh : high)
#define SAMETOPIC (without(BYID) || fetched == version)
#define reset() expected = 0; from = 0; verify = NOBODY; verifyVersion = 0; readVersion = NOBODY

proctype Engine() {
end: do
  :: d_step { without(BEHIND) && (seenLow != low || seenHigh != high) -> seenLow = low; seenHigh = high }
  /* claim and judge */
  :: d_step { phase == JOINING ->
       if
       :: next < LOWSEEN && !without(BELOW) -> phase = HALTED
       :: next > HIGHSEEN && !without(ABOVE) -> phase = HALTED
       :: else ->
          fetched = version;
          expected = ((next < LOWSEEN) -> LOWSEEN : next);      /* without its guard: kafkajs goes on at the log's start */
          if
          :: last != NOBODY && last >= LOWSEEN && !without(READBACK) -> verify = last; verifyVersion = lastVersion; phase = VERIFYING
          :: else -> unverified = 1; phase = RUNNING
          fi
       fi }
  :: d_step { (phase == RUNNING || phase == VERIFYING) && !SAMETOPIC -> reset(); unverified = 0; phase = JOINING }
  :: d_step { phase == VERIFYING && SAMETOPIC && verify >= low && verify < high ->
       if
       :: version == verifyVersion -> verify = NOBODY; verifyVersion = 0; phase = RUNNING
       :: else -> verify = NOBODY; verifyVersion = 0; phase = HALTED
       fi }
  :: d_step { phase == VERIFYING && verify < low ->               /* retention was faster: what follows is still to come */
       verify = NOBODY; verifyVersion = 0; unverified = 1; phase = RUNNING }
  /* read one record at `expected` */
  :: d_step { phase == RUNNING && SAMETOPIC && expected >= low && expected < high && (readVersion == NOBODY || readVersion == version || LIVE) ->
       if :: readVersion == NOBODY -> from = expected :: else fi;
       readVersion = version; expected++ }
  :: d_step { phase == RUNNING && expected < low -> if :: !without(BELOW) -> phase = HALTED; reset() :: else -> expected = low fi }
  :: d_step { (phase == RUNNING || phase == VERIFYING) && expected > high && !without(SHRANK) -> reset(); phase = JOINING }
  /* commit: the promise is that a log is never continued by another one, unless the last record is gone from it */
  :: d_step { phase == RUNNING && readVersion != NOBODY ->
       assert(counted == NOBODY || counted == readVersion || (unverified && next <= low));
       assert(from == next);                                    /* no jump */
       next = expected; counted = readVersion;
       if :: !without(TOGETHER) || last == NOBODY -> last = expected - 1; lastVersion = readVersion :: else fi;
       readVersion = NOBODY; from = 0; unverified = 0 }
  :: d_step { restarts && phase != HALTED -> restarts--; reset(); unverified = 0; phase = JOINING }
  /* the log */
  :: d_step { trims && low < high -> trims--; low++ }
  :: d_step { recreations && (LIVE == 1 || phase == JOINING || (LIVE == 2 && next == M && expected == M)) -> recreations--; version = 1; low = 0; high = 0 }
  :: d_step { version == 0 && high < M -> high++ }
  :: d_step { version == 1 && high < M1 -> high++ }
  :: d_step { trims || recreations || restarts -> trims = 0; recreations = 0; restarts = 0 }
  od
}

/* Everything is stored, or the partition is halted for a person, and only with a reason. */
proctype Quiet() {
  timeout -> d_step {
    if
    :: phase == HALTED -> assert(version == 1 || next < low)
    :: else -> assert(next == high)
    fi }
}
init { READ_REMOVED atomic { run Engine(); run Quiet() } }
