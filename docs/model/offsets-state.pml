/* What offsets.pml acts on: rows, engines, channels, and the parts of its actions that several of them share. */
#define PORT 4
#define NUMBERS 4       /* set numbers and incarnations modulo this: more than can be under way */
#define TWICE 128
#define BIT(o) (1 << (o))

/* phases of a partition in an engine (PartitionPhase) */
#define NONE 0
#define JOINING 1
#define CLAIMING 2
#define RUNNING 3
/* the set in COMMIT */
#define READY 1         /* taken; nothing sent */
#define LOCKED 2        /* rows locked and compared; from here to the COMMIT in the socket */
#define DONE 3          /* committed, the answer is on its way */
#define REFUSED 4       /* COMMIT was answered by ROLLBACK, the answer is on its way */
#define BROKEN 5        /* the connection is gone, the client is about to hear of it */
/* messages to the actor */
#define SLICE 1
#define FREEZE 2
#define FORGET 3
#define DROPALL 4

typedef Row { byte next; byte epoch; byte stored; byte lock }
typedef Range { byte from; byte to; byte epoch; byte data }          /* data: bit o = record o folded once, TWICE = one twice */
typedef Engine {
  bit up; byte generation; byte incarnation;
  byte phase[NP]; byte epoch[NP]; byte expected[NP]; byte durable[NP]; byte openFrom[NP];
  byte beats; bit beat; bit whole;
  byte claim; bit due[NP]; byte claimEpoch[NP]; byte claimNext[NP];    /* claim: 1 asked, 2 answer on its way */
  byte number; byte waiting; byte waitingNo; Range w[NP];              /* waiting: 1 frozen, 2 complete */
  byte commit; Range c[NP];
  byte orphan; Range o[NP];                                            /* backend of a lost connection: 1 COMMIT in its socket */
  byte heldEpoch[NP]; byte held[NP]                                    /* the actor */
}
Row row[NP];
Engine engine[2];
byte generation = 1, owner[NP];
byte rebalances = REBALANCES, faults = FAULTS, kinds = KINDS;
chan port0 = [PORT] of { byte, byte, byte, byte };  chan port1 = [PORT] of { byte, byte, byte, byte };
chan pack0 = [1] of { byte, byte, byte };           chan pack1 = [1] of { byte, byte, byte };
#if NP == 1
chan answer0 = [2] of { byte, byte, byte, byte };   chan answer1 = [2] of { byte, byte, byte, byte };
#else
chan answer0 = [2] of { byte, byte, byte, byte, byte, byte };  chan answer1 = [2] of { byte, byte, byte, byte, byte, byte };
#endif
hidden byte p, q, k, a, b, d, n, i, x, y, bad, who;

#define E engine[e]
#define WRITER (1 + 2*e)
#define ORPHAN (2 + 2*e)
#define has(r) (r.from < r.to)
#define MATCHES(p, r) ((without(EPOCH) || row[p].epoch == r.epoch) && (without(FROM) || row[p].next == r.from))
#define FOLLOWS(p) (row[p].stored == ((BIT(row[p].next) - 1) & ~GAP))

#define clear(r) r.from = 0; r.to = 0; r.epoch = 0; r.data = 0
#define copy(t, s) t.from = s.from; t.to = s.to; t.epoch = s.epoch; t.data = s.data
#define clearAll(set) for (q : 0 .. NP-1) { clear(set[q]) }
#define copyAll(t, s) for (q : 0 .. NP-1) { copy(t[q], s[q]) }
#define unlock(by) for (q : 0 .. NP-1) { if :: row[q].lock == by -> row[q].lock = 0 :: else fi }
#define relock(by, to) for (q : 0 .. NP-1) { if :: row[q].lock == by -> row[q].lock = to :: else fi }

/* COMMIT becomes visible: what is stored follows from next_offset and nothing is stored twice (I1, I2, I4) */
#define store(set) \
  for (q : 0 .. NP-1) { \
    if \
    :: has(set[q]) -> \
       assert(!(set[q].data & TWICE)); \
       assert(!(row[q].stored & set[q].data)); \
       row[q].stored = row[q].stored | set[q].data; \
       if :: MATCHES(q, set[q]) -> row[q].next = set[q].to :: else fi; \
       assert(FOLLOWS(q)) \
    :: else fi \
  }

#if NP == 1
#define ROOM(set) (!has(set[0]) || !row[0].lock)
#define WANTS (E.phase[0] == JOINING)
#define MOVED (E.epoch[0] && E.expected[0] > E.openFrom[0])
#define OURS (E.phase[0])
#else
#define ROOM(set) ((!has(set[0]) || !row[0].lock) && (!has(set[1]) || !row[1].lock))
#define WANTS (E.phase[0] == JOINING || E.phase[1] == JOINING)
#define MOVED ((E.epoch[0] && E.expected[0] > E.openFrom[0]) || (E.epoch[1] && E.expected[1] > E.openFrom[1]))
#define OURS (E.phase[0] || E.phase[1])
#endif
#if PACK
#define CANROUTE nfull(pack)
#define toActor(q, offset) if :: E.whole -> pack!q, E.epoch[q], offset :: else fi
#else
#define CANROUTE (len(port) < PORT)
#define toActor(q, offset) if :: E.whole -> port!SLICE, q, E.epoch[q], offset :: else fi
#endif
#define GATE (E.whole || without(WHOLE)) && (E.beats == 0 || without(HEARTBEAT))

/* Supervisor.#forget: what is packed is posted first (here: it is behind nothing, since a full buffer blocks the action) */
#define forgetLedger(p) E.openFrom[p] = E.expected[p]; clear(E.w[p])
#define forget(p, newEpoch) \
  if :: !without(FORGET_LOST) -> forgetLedger(p); if :: E.whole -> port!FORGET, p, newEpoch, 0 :: else fi :: else -> E.openFrom[p] = E.expected[p] fi

/* Supervisor.#recover: the one path back. A transaction under way may still commit (its COMMIT is in the socket) or not. */
#define recover() \
  if :: E.commit == LOCKED -> E.orphan = 1; copyAll(E.o, E.c); relock(WRITER, ORPHAN) :: else fi; \
  clearAll(E.c); E.commit = 0; clearAll(E.w); E.waiting = 0; E.waitingNo = 0; \
  if :: !without(UNPACK) -> do :: len(pack) -> pack?a, b, d :: else -> break od :: else fi; \
  if :: !without(INCARNATION) -> E.incarnation = (E.incarnation + 1) % NUMBERS :: else fi; \
  if :: without(SETNUMBER) -> E.number = 0 :: else fi; \
  for (p : 0 .. NP-1) { \
    if \
    :: E.phase[p] == RUNNING && without(RELEASE) -> E.expected[p] = E.durable[p]; E.openFrom[p] = E.durable[p] \
    :: E.phase[p] && !(E.phase[p] == RUNNING && without(RELEASE)) -> \
       E.phase[p] = JOINING; E.epoch[p] = 0; E.expected[p] = 0; E.durable[p] = 0; E.openFrom[p] = 0 \
    :: else fi; \
    E.due[p] = 0; E.claimEpoch[p] = 0; E.claimNext[p] = 0 }; \
  E.claim = 0; E.beats = 2; \
  if :: E.whole && !without(DROP) -> port!DROPALL, 0, 0, 0 :: else fi

/* The backend that holds row p is ended: an orphan's work is gone, a writer hears of it later. */
#define terminate(p) \
  who = (row[p].lock - 1) / 2; \
  if \
  :: (row[p].lock - 1) % 2 -> unlock(2 + 2*who); engine[who].orphan = 0; clearAll(engine[who].o) \
  :: else -> unlock(1 + 2*who); engine[who].commit = BROKEN \
  fi
