/*
 * The memory orderings of the protocols, each with two or three threads, on machines that reorder.
 *
 * A thread is a window of numbered steps, one for each memory access, in program order. A step may be taken once all
 * steps have been taken that the machine makes it wait for; `done` is the set of taken steps. There is one memory, and
 * a store is visible to all threads at once (so it is on x86-64 and Armv8). So both store buffers and early loads show
 * as orders in which a thread's steps are taken.
 *
 *   (default)  Armv8. A step waits for earlier loads that acquire, and for full fences. A store that releases waits for
 *              all steps before it. A sequentially consistent load also waits for earlier sequentially consistent stores.
 *              A store waits for the loads that decide about it; a load does not, because processors speculate. The
 *              compiler emits this (stlr, ldar, dmb); modelled is its weakest form. An acquiring load is ldapr, and does
 *              not wait for an earlier release. A read-modify-write is two steps, ldaxr and stlxr, with later loads
 *              possible in between; only a sequentially consistent one counts as such. (On real machines ldaxr always
 *              waits for stlr, and casal is a full fence, but the language promises neither.)
 *   -DTSO      x86-64. Only a load may come before an earlier store, unless the store is an exchange or sequentially
 *              consistent.
 *
 * The light fence is no step. The heavy fence is taken when the other thread is between two instructions, where
 * membarrier(2) interrupts it: each of its steps has either been taken or not, in program order.
 *
 * Abstractions. A spinning loop is a guard on the load that ends it. A load of the thread's own last store is left out.
 * Of a failed compare-exchange only the load remains. A step after a store-exclusive waits for it if it stores. Timed
 * sleeps end.
 *
 * -DWEAKER=n makes the access that is marked n in the text one step weaker: `o(n, as it is, weaker)`. `check` lists the
 * accesses that must fail then (their orderings are needed) and those that need not (the code is stronger than its
 * protocol needs).
 */
#ifndef WEAKER
#define WEAKER 0
#endif

#define RELAXED 0
#define ACQUIRE 1
#define RELEASE 2
#define ACQ_REL 3
#define SEQ_CST 7
#define NO_FENCE 0
#define FENCE 1
#define o(n, asItIs, weaker) (WEAKER == n -> weaker : asItIs)

/* In a thread's window: loads that acquire, and fences; sequentially consistent stores; steps that only store. */
#define acq(n, order)   ((order & 1) << n)
#define seq(n, order)   ((order >> 2) << n)
#define plain(n, order) ((1 - (order >> 2)) << n)

#define below(n) ((1 << n) - 1)
#define can(n, before) !(done[me] & (1 << n)) && !((before) & ~done[me])
#ifdef TSO
#define load(n, order, deps)   can(n, below(n) & ~(PLAIN_STORES) | deps)
#define store(n, order, deps)  can(n, below(n))
#define loadExclusive(n, order) can(n, below(n))
#else
#define load(n, order, deps)   can(n, below(n) & (ACQUIRES) | ((order & 4) -> below(n) & (SEQ_STORES) : 0) | deps)
#define store(n, order, deps)  can(n, ((order & 2) -> below(n) : below(n) & (ACQUIRES) | deps))
#define loadExclusive(n, order) load(n, order, 0)
#endif
#define fence(n, is)           can(n, (is -> below(n) : 0))
#define bit(n)                 (1 << n)
#define did(n)                 done[me] = done[me] | (1 << n)
#define backTo(n)              done[me] = done[me] & below(n)

/* Both instructions of a read-modify-write: the second fails if another thread has stored meanwhile. */
#define watch(x)    held[x] = held[x] | (1 << me)
#define isHeld(x)   (held[x] & (1 << me))
#define put(x, v)   memory[x] = v; held[x] = 0

byte memory[6], held[6];
short done[3];
bool sleeps[3];                                /* whether the wake found a sleeper */

/* The thread is at a boundary between two instructions. */
#define between(p) ((done[p] & (done[p] + 1)) == 0)

/* SleepWord */
#define AWAKE 0
#define ASLEEP 1
#define TOLD 2
/* SleepWord.wake: the compare-exchange, if the loads `deps` give a reason. */
#define wakeSteps(n, x, order, deps, hasReason) \
  :: atomic { loadExclusive(n, order) -> sleeps[me] = (memory[x] == ASLEEP); watch(x); did(n) } \
  :: atomic { \
       store((n + 1), order, bit(n) | deps) && !((deps) & ~done[me]) -> \
       if \
       :: !sleeps[me] || !(hasReason) -> did((n + 1)) \
       :: else -> if :: isHeld(x) -> put(x, TOLD); did((n + 1)) :: else -> backTo(n) fi \
       fi \
     }
#define finished(steps) done[me] == below(steps)

#ifdef INBOX
/*
 * Scheduling/Inbox.swift with SleepWord.swift and Scheduler+Idle.swift: two threads each make a fiber ready on a worker
 * that goes to sleep. The fiber reads the words (`memory[WRITTEN + p]`) that they wrote before.
 * Property: the worker does not sleep for ever with a fiber in its inbox; each fiber comes once, and sees the earlier
 * writes.
 */
#define NEWEST  0
#define STATE   1
#define WRITTEN 2                              /* and 3 */
byte next[2], taken;

#define PUSH   o(1, SEQ_CST, ACQ_REL)
#define PUSH_  o(2, PUSH, ACQUIRE)
#define CLAIM  o(3, SEQ_CST, ACQ_REL)
#define ASLEEP_ o(4, SEQ_CST, RELEASE)
#define EMPTY  o(5, SEQ_CST, ACQUIRE)
#define TAKE   o(6, ACQ_REL, RELEASE)
#define TAKE_  o(7, TAKE, ACQUIRE)

#define ACQUIRES     (me < 2 -> acq(2, PUSH_) | acq(4, CLAIM) : acq(2, TAKE_) | acq(6, EMPTY))
#define SEQ_STORES   (me < 2 -> seq(3, PUSH_) | seq(5, CLAIM) : seq(5, ASLEEP_))
#define PLAIN_STORES (me < 2 -> bit(0) : bit(0) | plain(5, ASLEEP_))

proctype Pusher(byte me) {
  byte found;
  do
  :: atomic { store(0, RELAXED, 0) -> put((WRITTEN + me), 1); did(0) }
  :: atomic { load(1, RELAXED, 0) -> found = memory[NEWEST]; did(1) }
  :: atomic {
       loadExclusive(2, PUSH_) && (done[me] & bit(1)) ->
       if :: memory[NEWEST] == found -> watch(NEWEST); did(2) :: else -> backTo(1) fi
     }
  :: atomic {
       store(3, PUSH_, bit(1) | bit(2)) ->
       if :: isHeld(NEWEST) -> next[me] = found; put(NEWEST, me + 1); did(3) :: else -> backTo(1) fi
     }
  wakeSteps(4, STATE, CLAIM, 0, true)
  :: finished(6) -> break
  od
}

proctype Sleeper(byte me) {
  byte chain, seen[2], f;
  bool isEmpty;
again:
  atomic { done[me] = 0; chain = 0; seen[0] = 0; seen[1] = 0; isEmpty = 0 };
  do
  :: atomic { store(0, RELAXED, 0) -> put(STATE, AWAKE); did(0) }                          /* rise */
  :: atomic {                                                                              /* seemsEmpty */
       load(1, RELAXED, 0) -> did(1);
       if :: memory[NEWEST] == 0 -> did(2); did(3); did(4) :: else fi
     }
  :: atomic { loadExclusive(2, TAKE_) && (done[me] & bit(1)) -> chain = memory[NEWEST]; watch(NEWEST); did(2) }
  :: atomic { store(3, TAKE_, bit(2)) -> if :: isHeld(NEWEST) -> put(NEWEST, 0); did(3) :: else -> backTo(2) fi }
  :: atomic { load(4, RELAXED, 0) -> seen[0] = memory[WRITTEN]; seen[1] = memory[WRITTEN + 1]; did(4) }
  :: atomic { store(5, ASLEEP_, bit(3)) -> put(STATE, ASLEEP); did(5) }                    /* prepare */
  :: atomic { load(6, EMPTY, bit(3)) -> isEmpty = (memory[NEWEST] == 0); did(6) }
  :: finished(7) -> break
  od;
  atomic {
    do
    :: chain -> f = chain - 1; assert(seen[f] && !(taken & bit(f))); taken = taken | bit(f); chain = next[f]
    :: else -> f = 0; break
    od
  };
  if :: !isEmpty -> goto again :: else fi;
endAsleep:
  memory[STATE] != ASLEEP;
  goto again
}
init { atomic { memory[STATE] = ASLEEP; run Pusher(0); run Pusher(1); run Sleeper(2) } }
active proctype Rest() { timeout -> assert(memory[NEWEST] == 0 && taken == 3) }
#endif

#ifdef THREAD
/*
 * Fibers/PlainThread.swift (wait, wake) and Scheduler+Idle.swift (tellOfTimer): one thread makes a plain thread
 * ready, another sets a timer for it.
 * Property: after a wake or with a timer set it does not sleep for ever; after a wake it sees the waker's earlier
 * writes.
 */
#define WRITTEN  0
#define CALLED   1
#define STATE    2
#define EARLIEST 3
bool ended;

#define CALL     o(1, SEQ_CST, RELEASE)
#define CLAIM    o(2, SEQ_CST, ACQ_REL)
#define ASLEEP_  o(3, SEQ_CST, RELEASE)
#define TAKE     o(4, ACQ_REL, ACQUIRE)
#define TAKE_    o(5, TAKE, RELEASE)
#define SET_FENCE  o(6, FENCE, NO_FENCE)
#define WAIT_FENCE o(7, FENCE, NO_FENCE)

#define ACQUIRES     (me == 0 -> acq(2, CLAIM) : (me == 1 -> acq(1, SET_FENCE) | acq(2, CLAIM) : acq(1, TAKE_) | acq(3, WAIT_FENCE)))
#define SEQ_STORES   (me == 0 -> seq(1, CALL) | seq(3, CLAIM) : (me == 1 -> seq(3, CLAIM) : seq(0, ASLEEP_) | seq(2, TAKE_)))
#define PLAIN_STORES (me == 0 -> bit(0) | plain(1, CALL) : (me == 1 -> bit(0) : plain(0, ASLEEP_)))

proctype Waker(byte me) {
  do
  :: atomic { store(0, RELAXED, 0) -> put(WRITTEN, 1); did(0) }
  :: atomic { store(1, CALL, 0) -> put(CALLED, 1); did(1) }
  wakeSteps(2, STATE, CLAIM, 0, true)
  :: finished(4) -> break
  od
}
proctype Setter(byte me) {
  do
  :: atomic { store(0, RELAXED, 0) -> put(EARLIEST, 1); did(0) }
  :: atomic { fence(1, SET_FENCE) -> did(1) }
  wakeSteps(2, STATE, CLAIM, 0, true)
  :: finished(4) -> break
  od
}
proctype Waiter(byte me) {
  bool called, timed, seen;
again:
  atomic { done[me] = 0; seen = 0; timed = 0 };
  do
  :: atomic { store(0, ASLEEP_, 0) -> put(STATE, ASLEEP); did(0) }
  :: atomic { loadExclusive(1, TAKE_) -> called = memory[CALLED]; watch(CALLED); did(1) }
  :: atomic { store(2, TAKE_, bit(1)) -> if :: isHeld(CALLED) -> put(CALLED, 0); did(2) :: else -> backTo(1) fi }
  :: atomic { fence(3, WAIT_FENCE) -> did(3) }
  :: atomic { load(4, RELAXED, 0) -> timed = memory[EARLIEST]; did(4) }
  :: atomic { load(5, RELAXED, 0) -> seen = memory[WRITTEN]; did(5) }
  :: finished(6) -> break
  od;
  if
  :: called -> assert(seen); goto hasEnded
  :: atomic { !called && timed -> put(EARLIEST, 0) }; goto again                           /* fires */
  :: else
  fi;
endAsleep:
  memory[STATE] != ASLEEP;
  goto again;
hasEnded:
  ended = 1
}
init { atomic { run Waiter(2); if :: run Waker(0) :: run Setter(1) :: run Waker(0); run Setter(1) fi } }
active proctype Rest() { timeout -> assert(ended || !memory[CALLED] && !memory[EARLIEST]) }
#endif

#ifdef MARK
/*
 * Operations/Claim.swift (beginEnlisting, startWaiting), Performance+Parking.swift and ScopeRecord+Cancel.swift
 * (spread, interrupt): a performer parks while its scope is cancelled. mark.pml has the same with consecutive performs,
 * and partners.
 * Property: it is not parked in a cancelled scope without a thread that will wake it.
 */
#define WORD   0
#define LOCK   1
#define MARKED 2
#define IDLE 0
#define CLAIMED 1
#define WAITING 2
#define COMMITTED 3
bool parked, ready;

#ifdef TSO
#define ENLIST_FENCE o(1, NO_FENCE, NO_FENCE)  /* fenceAfterEnlisting: the exchange of the lock is one */
#else
#define ENLIST_FENCE o(1, FENCE, NO_FENCE)
#endif
#define CANCEL_FENCE o(2, FENCE, NO_FENCE)
#define LOOK         o(4, ACQUIRE, RELAXED)
#define SET_MARK     o(5, RELEASE, RELAXED)

#define ACQUIRES     (me == 0 -> acq(1, ACQ_REL) | acq(5, ENLIST_FENCE) | acq(6, ACQUIRE) : acq(1, CANCEL_FENCE) | acq(2, LOOK))
#define SEQ_STORES   0
#define PLAIN_STORES (me == 0 -> bit(0) | bit(3) | bit(4) : bit(0))

proctype Performer(byte me) {
  bool marked;
  do
  :: atomic { store(0, RELAXED, 0) -> if :: WEAKER == 3 :: else -> put(WORD, CLAIMED) fi; did(0) }  /* beginEnlisting */
  :: atomic { loadExclusive(1, ACQ_REL) && memory[LOCK] == 0 -> watch(LOCK); did(1) }
  :: atomic { store(2, ACQ_REL, bit(1)) -> if :: isHeld(LOCK) -> put(LOCK, 1); did(2) :: else -> backTo(1) fi }
  :: atomic { store(3, RELEASE, 0) -> put(WORD, WAITING); did(3) }
  :: atomic { store(4, RELEASE, 0) -> put(LOCK, 0); did(4) }
  :: atomic { fence(5, ENLIST_FENCE) -> did(5) }
  :: atomic { load(6, ACQUIRE, 0) -> marked = memory[MARKED]; did(6) }
  :: finished(7) -> break
  od;
  if
  :: atomic { marked && memory[WORD] == WAITING -> put(WORD, COMMITTED); goto ended }       /* commitSelf */
  :: memory[WORD] == COMMITTED || !marked
  fi;
  parked = 1;
endParked:
  ready;
  parked = 0;
ended: skip
}
proctype Canceller(byte me) {
  do
  :: atomic { store(0, SET_MARK, 0) -> put(MARKED, 1); did(0) }
  :: atomic { fence(1, CANCEL_FENCE) -> did(1) }
  :: atomic {
       load(2, LOOK, 0) && memory[WORD] != CLAIMED ->
       if :: memory[WORD] == WAITING -> watch(WORD) :: else -> did(3) fi;
       did(2)
     }
  :: atomic { store(3, ACQ_REL, bit(2)) -> if :: isHeld(WORD) -> put(WORD, COMMITTED); ready = 1; did(3) :: else -> backTo(2) fi }
  :: finished(4) -> break
  od
}
init { atomic { run Performer(0); run Canceller(1) } }
active proctype Rest() { timeout -> assert(!parked) }
#endif

#ifdef QUEUE
/*
 * Scheduling/RunQueue.swift and Support/BiasedLock.swift: the owner puts a fresh fiber into its queue under the lock,
 * reads freshCount without it, and takes the lock only if the count is not zero. A thief takes the fiber under the
 * lock. biased.pml has the lock alone, repeated for ever, with two thieves.
 * Property: the fiber is taken once, and is the fiber that was put in (`COUNT` and `FRESH` are consistent inside the
 * lock).
 */
#define BUSY  0
#define THIEF 1
#define COUNT 2
#define FRESH 3
byte taken;

#define HEAVY      o(1, FENCE, NO_FENCE)
#define UNLOCK     o(2, RELEASE, RELAXED)
#define IS_THIEF   o(3, ACQUIRE, RELAXED)
#define TRY        o(4, ACQ_REL, RELAXED)
#define IS_BUSY    o(5, ACQUIRE, RELAXED)
#define END_THEFT  o(6, RELEASE, RELAXED)

#define ACQUIRES     (me == 0 -> acq(1, IS_THIEF) | acq(8, IS_THIEF) : acq(0, TRY) | acq(2, HEAVY) | acq(3, IS_BUSY))
#define SEQ_STORES   0
#define PLAIN_STORES (me == 0 -> bit(0) | bit(3) | bit(4) | bit(5) | bit(7) | bit(10) | bit(11) | bit(12) : bit(6) | bit(7) | bit(8))

proctype Owner(byte me) {
  byte count, fresh, start;
again:
  do
  :: atomic { store(0, RELAXED, 0) -> put(BUSY, 1); did(0) }                               /* pushFresh */
  :: atomic { load(1, IS_THIEF, 0) && !memory[THIEF] -> did(1) }
  :: atomic { load(1, IS_THIEF, 0) && memory[THIEF] && !(below(1) & ~done[me]) -> start = 0; goto contended }
  :: atomic { load(2, RELAXED, 0) -> count = memory[COUNT]; did(2) }
  :: atomic { store(3, RELAXED, bit(1)) -> put(FRESH, 1); did(3) }
  :: atomic { store(4, RELAXED, bit(1) | bit(2)) -> put(COUNT, count + 1); did(4) }
  :: atomic { store(5, UNLOCK, bit(0)) -> put(BUSY, 0); did(5) }
  :: atomic {                                                                              /* pop */
       load(6, RELAXED, bit(4)) -> did(6);
       if :: memory[COUNT] == 0 -> done[me] = done[me] | below(13) & ~below(7) :: else fi
     }
  :: atomic { store(7, RELAXED, bit(6) | bit(5)) -> put(BUSY, 1); did(7) }
  :: atomic { load(8, IS_THIEF, bit(1)) && !memory[THIEF] -> did(8) }
  :: atomic { load(8, IS_THIEF, bit(1)) && memory[THIEF] && !(below(8) & ~done[me]) -> start = 7; goto contended }
  :: atomic { load(9, RELAXED, bit(3) | bit(4) | bit(6)) -> count = memory[COUNT]; fresh = memory[FRESH]; did(9) }
  :: atomic { store(10, RELAXED, bit(8) | bit(9)) -> if :: count -> put(FRESH, 0) :: else fi; did(10) }
  :: atomic { store(11, RELAXED, bit(8) | bit(9)) -> if :: count -> put(COUNT, count - 1) :: else fi; did(11) }
  :: atomic { store(12, UNLOCK, bit(7)) -> put(BUSY, 0); did(12); assert(fresh == count && count < 2); taken = taken + count }
  :: atomic { finished(13) -> break }
  od;
  goto ended;
contended:
  put(BUSY, 0);
  atomic { memory[THIEF] == 0 -> backTo(start); goto again };
ended: skip
}
proctype Thief(byte me) {
  byte count, fresh;
  do
  :: atomic { loadExclusive(0, TRY) -> watch(THIEF); did(0) }
  :: atomic { store(1, TRY, bit(0)) -> if :: isHeld(THIEF) -> put(THIEF, 1); did(1) :: else -> backTo(0) fi }
  :: atomic { fence(2, HEAVY) && (!HEAVY || between(0)) -> did(2) }
  :: atomic { load(3, IS_BUSY, 0) && memory[BUSY] == 0 -> did(3) }
  :: atomic { load(4, RELAXED, 0) -> count = memory[COUNT]; did(4) }
  :: atomic { load(5, RELAXED, 0) -> fresh = memory[FRESH]; did(5) }
  :: atomic { store(6, RELAXED, bit(3) | bit(4) | bit(5)) -> if :: count -> put(FRESH, 0) :: else fi; did(6) }
  :: atomic { store(7, RELAXED, bit(3) | bit(4)) -> if :: count -> put(COUNT, count - 1) :: else fi; did(7) }
  :: atomic { store(8, END_THEFT, bit(1)) -> put(THIEF, 0); did(8); assert(fresh == count && count < 2); taken = taken + count }
  :: finished(9) -> break
  od
}
init { atomic { run Owner(0); run Thief(1) } }
active proctype Rest() { timeout -> assert(taken == 1 && memory[COUNT] == 0 && memory[FRESH] == 0) }
#endif

#ifdef HANDOVER
/*
 * FiberRecord.savedStack: Scheduling/Worker+Switching.swift, CSwitch's switch. A worker takes a fiber's stack and runs
 * it; the fiber waits, is committed at once, and another worker runs it on (with migration, after a steal). `OPEN` is
 * the list that the record takes along (openAccesses).
 * Property: the second worker finds the stack that the fiber left last, not an earlier one, and the list.
 */
#define SAVED 0
#define WORD  1
#define OPEN  2
#define BEFORE 1
#define LEFT 2
byte resumed;

#define START_WAITING o(1, RELEASE, RELAXED)
#define SWITCH        o(2, RELEASE, RELAXED)
#define COMMIT        o(3, ACQ_REL, RELEASE)
#define READY         o(4, ACQUIRE, RELAXED)

#define ACQUIRES     (me == 0 -> 0 : acq(0, COMMIT) | acq(2, READY))
#define SEQ_STORES   0
#define PLAIN_STORES (me == 0 -> below(4) : bit(4))

proctype First(byte me) {
  do
  :: atomic { store(0, RELAXED, 0) -> put(SAVED, 0); did(0) }                              /* takeSavedStack */
  :: atomic { store(1, START_WAITING, 0) -> put(WORD, 1); did(1) }
  :: atomic { store(2, RELAXED, 0) -> put(OPEN, 1); did(2) }                               /* swapOpenAccesses */
  :: atomic { store(3, SWITCH, bit(0)) -> put(SAVED, LEFT); did(3) }
  :: finished(4) -> break
  od
}
proctype Second(byte me) {
  bool seen;
  do
  :: atomic { loadExclusive(0, COMMIT) && memory[WORD] == 1 -> watch(WORD); did(0) }
  :: atomic { store(1, COMMIT, bit(0)) -> put(WORD, 2); did(1) }
  :: atomic { load(2, READY, 0) && memory[SAVED] -> resumed = memory[SAVED]; did(2) }
  :: atomic { load(3, RELAXED, 0) -> seen = memory[OPEN]; did(3) }
  :: atomic { store(4, RELAXED, bit(1) | bit(2)) -> put(SAVED, 0); did(4) }
  :: finished(5) -> break
  od;
  assert(resumed == LEFT && seen)
}
init { atomic { memory[SAVED] = BEFORE; run First(0); run Second(1) } }
#endif

#ifdef REST
/*
 * Scheduling/Monitor.swift (pause, noteWork) and WorkerTable.swift (noteWaking): a worker wakes and begins to run fibers
 * while the monitor decides to rest.
 * Property: the monitor does not rest while the worker runs fibers.
 */
#define AWAKE_  0
#define PHASE   1
#define STATE   2
bool sleepsForEver;

#define COUNT_ME o(1, SEQ_CST, ACQ_REL)
#define RESTS    o(2, SEQ_CST, ACQUIRE)
#define RESTING  o(3, SEQ_CST, RELEASE)
#define COUNTED  o(4, SEQ_CST, ACQUIRE)

#define ACQUIRES     (me == 0 -> acq(0, COUNT_ME) | acq(2, RESTS) | acq(3, SEQ_CST) : acq(2, COUNTED))
#define SEQ_STORES   (me == 0 -> seq(1, COUNT_ME) | seq(4, SEQ_CST) : seq(0, SEQ_CST) | seq(1, RESTING))
#define PLAIN_STORES (me == 0 -> 0 : plain(1, RESTING))

proctype Working(byte me) {
  bool calls;
  do
  :: atomic { loadExclusive(0, COUNT_ME) -> watch(AWAKE_); did(0) }
  :: atomic { store(1, COUNT_ME, bit(0)) -> if :: isHeld(AWAKE_) -> put(AWAKE_, 1); did(1) :: else -> backTo(0) fi }
  :: atomic { load(2, RESTS, 0) -> calls = memory[PHASE]; did(2) }
  wakeSteps(3, STATE, SEQ_CST, bit(2), calls)
  :: finished(5) -> break
  od
}
proctype Resting(byte me) {
  bool found;
  do
  :: atomic { store(0, SEQ_CST, 0) -> put(STATE, ASLEEP); did(0) }
  :: atomic { store(1, RESTING, 0) -> put(PHASE, 1); did(1) }
  :: atomic { load(2, COUNTED, 0) -> found = memory[AWAKE_]; did(2) }
  :: finished(3) -> break
  od;
  sleepsForEver = !found;
endAsleep:
  atomic { memory[STATE] != ASLEEP -> sleepsForEver = 0 }
}
init { atomic { run Working(0); run Resting(1) } }
active proctype Rest() { timeout -> assert(!sleepsForEver) }
#endif

#ifdef TIMER
/*
 * TimerQueue.insert with tellOfTimer and sleepUntilCalled (Scheduler+Idle.swift): a thread sets a timer on a worker
 * that falls asleep. `EARLIEST` is earliestDeadline, and `AWAKE_` is the count in WorkerTable.
 * Property: the worker does not sleep for ever with a timer set.
 */
#define AWAKE_   0
#define EARLIEST 1
#define STATE    2
bool sleepsForEver;

#define SET_FENCE o(1, FENCE, NO_FENCE)
#define ASLEEP_   o(2, SEQ_CST, RELEASE)
#define COUNT_ME  o(3, SEQ_CST, RELEASE)

#define ACQUIRES     (me == 0 -> acq(1, SET_FENCE) | acq(2, SEQ_CST) : acq(1, COUNT_ME))
#define SEQ_STORES   (me == 0 -> seq(3, SEQ_CST) : seq(0, ASLEEP_) | seq(2, COUNT_ME))
#define PLAIN_STORES (me == 0 -> bit(0) : plain(0, ASLEEP_))

proctype Setter(byte me) {
  do
  :: atomic { store(0, RELAXED, 0) -> put(EARLIEST, 1); did(0) }
  :: atomic { fence(1, SET_FENCE) -> did(1) }
  wakeSteps(2, STATE, SEQ_CST, 0, true)
  :: finished(4) -> break
  od
}
proctype FallingAsleep(byte me) {
  bool found;
  do
  :: atomic { store(0, ASLEEP_, 0) -> put(STATE, ASLEEP); did(0) }
  :: atomic { loadExclusive(1, COUNT_ME) -> watch(AWAKE_); did(1) }
  :: atomic { store(2, COUNT_ME, bit(1)) -> if :: isHeld(AWAKE_) -> put(AWAKE_, 1); did(2) :: else -> backTo(1) fi }
  :: atomic { load(3, RELAXED, 0) -> found = memory[EARLIEST]; did(3) }
  :: finished(4) -> break
  od;
  sleepsForEver = !found;
endAsleep:
  atomic { memory[STATE] != ASLEEP -> sleepsForEver = 0 }
}
init { atomic { run Setter(0); run FallingAsleep(1) } }
active proctype Rest() { timeout -> assert(!sleepsForEver) }
#endif

#ifdef GLOBAL
/*
 * Scheduler+Ready.swift (inject), Scheduler+Workers.swift (wakeWorker) and Scheduler+Idle.swift (sleepUntilCalled,
 * isQuiet): a thread appends a fiber to the global queue while a worker falls asleep.
 * Property: the worker does not sleep for ever with a fiber in the global queue.
 */
#define QUEUED 0
#define STATE  1
bool sleepsForEver;

#define APPEND   o(1, SEQ_CST, ACQ_REL)
#define LOOK     o(2, SEQ_CST, ACQUIRE)
#define IS_QUIET o(3, SEQ_CST, ACQUIRE)
#define ASLEEP_  o(4, SEQ_CST, RELEASE)

#define ACQUIRES     (me == 0 -> acq(0, APPEND) | acq(2, LOOK) | acq(3, SEQ_CST) : acq(1, IS_QUIET))
#define SEQ_STORES   (me == 0 -> seq(1, APPEND) | seq(4, SEQ_CST) : seq(0, ASLEEP_))
#define PLAIN_STORES (me == 0 -> 0 : plain(0, ASLEEP_))

proctype Injector(byte me) {
  bool calls;
  do
  :: atomic { loadExclusive(0, APPEND) -> watch(QUEUED); did(0) }
  :: atomic { store(1, APPEND, bit(0)) -> if :: isHeld(QUEUED) -> put(QUEUED, 1); did(1) :: else -> backTo(0) fi }
  :: atomic { load(2, LOOK, 0) -> calls = (memory[STATE] != AWAKE); did(2) }
  wakeSteps(3, STATE, SEQ_CST, bit(2), calls)
  :: finished(5) -> break
  od
}
proctype FallingAsleep(byte me) {
  bool found;
  do
  :: atomic { store(0, ASLEEP_, 0) -> put(STATE, ASLEEP); did(0) }
  :: atomic { load(1, IS_QUIET, 0) -> found = memory[QUEUED]; did(1) }
  :: finished(2) -> break
  od;
  sleepsForEver = !found;
endAsleep:
  atomic { memory[STATE] != ASLEEP -> sleepsForEver = 0 }
}
init { atomic { run Injector(0); run FallingAsleep(1) } }
active proctype Rest() { timeout -> assert(!sleepsForEver) }
#endif

#ifdef VISITORS
/*
 * Cancellation/ScopeRecord+Deadline.swift: a thread takes a scope's deadline out of the timers, increments the count of
 * visitors under their lock, and uses the scope. Meanwhile the host closes the scope and frees its memory. `IN_HEAP` is
 * the timer, and `SCOPE` is the visitor's use of the scope.
 * Property: the memory is freed after the last use.
 */
#define LOCK     0
#define IN_HEAP  1
#define VISITING 2
#define SCOPE    3
bool counted;                                  /* ghost */

#define COUNT_IN  o(1, RELAXED, RELAXED)
#define COUNT_OUT o(2, RELEASE, RELAXED)
#define IS_FREE   o(3, ACQUIRE, RELAXED)
#define UNLOCK    o(4, RELEASE, RELAXED)
#define TAKE_LOCK o(5, ACQ_REL, RELAXED)

#define ACQUIRES     (me == 0 -> acq(0, TAKE_LOCK) | acq(3, COUNT_IN) | acq(7, COUNT_OUT) : acq(0, TAKE_LOCK) | acq(4, IS_FREE))
#define SEQ_STORES   0
#define PLAIN_STORES (me == 0 -> bit(2) | bit(5) | bit(6) : bit(2) | bit(3))

proctype Firing(byte me) {
  bool due;
  do
  :: atomic { loadExclusive(0, TAKE_LOCK) && !memory[LOCK] -> watch(LOCK); did(0) }
  :: atomic { store(1, TAKE_LOCK, bit(0)) -> if :: isHeld(LOCK) -> put(LOCK, 1); did(1) :: else -> backTo(0) fi }
  :: atomic {
       store(2, RELAXED, bit(1)) -> due = memory[IN_HEAP]; put(IN_HEAP, 0); did(2);
       if :: due -> counted = 1 :: else -> done[me] = done[me] | bit(3) | bit(4) | bit(6) | bit(7) | bit(8) fi
     }
  :: atomic { loadExclusive(3, COUNT_IN) && (done[me] & bit(2)) -> watch(VISITING); did(3) }
  :: atomic { store(4, COUNT_IN, bit(3)) -> if :: isHeld(VISITING) -> put(VISITING, 1); did(4) :: else -> backTo(3) fi }
  :: atomic { store(5, UNLOCK, bit(1)) -> put(LOCK, 0); did(5) }
  :: atomic { store(6, RELAXED, bit(2)) -> put(SCOPE, 1); did(6) }
  :: atomic { loadExclusive(7, COUNT_OUT) && (done[me] & bit(4)) -> watch(VISITING); did(7) }
  :: atomic { store(8, COUNT_OUT, bit(7)) -> if :: isHeld(VISITING) -> put(VISITING, 0); did(8) :: else -> backTo(7) fi }
  :: finished(9) -> break
  od
}
proctype Closing(byte me) {
  bool used;
  do
  :: atomic { loadExclusive(0, TAKE_LOCK) && !memory[LOCK] -> watch(LOCK); did(0) }
  :: atomic { store(1, TAKE_LOCK, bit(0)) -> if :: isHeld(LOCK) -> put(LOCK, 1); did(1) :: else -> backTo(0) fi }
  :: atomic { store(2, RELAXED, bit(1)) -> put(IN_HEAP, 0); did(2) }
  :: atomic { store(3, UNLOCK, bit(1)) -> put(LOCK, 0); did(3) }
  :: atomic { load(4, IS_FREE, 0) && !memory[VISITING] -> did(4) }
  :: atomic { load(5, RELAXED, 0) -> used = memory[SCOPE]; did(5) }                        /* deinitialize */
  :: finished(6) -> break
  od;
  assert(used || !counted)
}
init { atomic { memory[IN_HEAP] = 1; run Firing(0); run Closing(1) } }
#endif
