/*
 * Going to sleep without losing a fiber, and the monitor: Scheduling/Scheduler+Idle.swift, Scheduler+Ready.swift,
 * Scheduler+Workers.swift (wakeWorker, parkIfDone), Monitor.swift, SleepWord.swift.
 *
 * Modelled: two workers, both started, and the monitor. A running fiber queues fresh fibers on its worker, makes a fiber
 * ready that is bound to the other worker, sets a timer on either worker, and ends or computes for ever. A thread
 * outside the scheduler injects a fiber. There are SPAWNS fresh fibers, and at most one of each other event. -DREMOTE=0:
 * no fiber is made ready on the other worker. -DTIMERS=0: no timer is set. -DINJECTS=0: no fiber is injected.
 * -DRETIRE=1: the outside thread retires worker 1. Then either a fiber that waits has begun on worker 1, or none has.
 *
 * Abstractions.
 *  - Memory is sequentially consistent. The words that decide are changed by read-modify-writes and sequentially
 *    consistent stores; weak.pml checks their orderings. If the monitor reads an outdated count, its next inspection
 *    reads the new one.
 *  - Time. Whether a timer is due is arbitrary. A sleep with a timer may end at any moment. The monitor's timed sleep
 *    ends when there is something to serve. So if the model is at rest, there is nothing to serve. If the monitor finds
 *    all workers asleep, it rests or inspects once more.
 *  - Every queue with a fresh fiber counts as slow.
 *  - The last worker to fall asleep looks for a deadlock now and then (deadlock.pml), but remains marked as asleep. So
 *    here it sleeps once, without an end.
 *  - Left out: stopping, starting threads, stand-ins (spare.pml).
 *
 * -DVIRTUAL: the clock stands still until advanceVirtualTime moves it. `wakeEpoch` would grow without bound. So instead
 * there is a flag. The first reading clears it, and each thread that wakes sets it. timeLock lets one thread read at a
 * time.
 *
 * Property, at rest, that is, if every worker computes for ever or sleeps for ever:
 *  - A worker that sleeps has nothing to run and nothing in its inbox.
 *  - If a regular worker sleeps, the global queue is empty, and on a worker that computes no fresh fiber is queued and
 *    no timer is set.
 *  - While a worker computes, the monitor does not rest.
 *  - If all sleep, a thread has acted for all since the last one woke, and no timer is set.
 * With -DVIRTUAL also: time never moves while a thread has a fiber in hand.
 *
 * -DNO_SECOND_LOOK: the monitor rests without a second look for a thread that is awake.
 * -DNO_NOTE: a worker that begins to run fibers does not look whether the monitor rests.
 * -DNO_LOOK: a worker falls asleep without a second look.
 * -DNO_LAST: the monitor wakes no worker if all fell asleep while it acted.
 * -DNO_EPOCH: time moves without a look at `wakeEpoch`.
 * -DNO_REST: the monitor does not inspect the global queue. A worker takes only its share of that queue.
 */
#ifndef SPAWNS
#define SPAWNS 2
#endif
#ifndef REMOTE
#define REMOTE 1
#endif
#ifndef TIMERS
#define TIMERS 1
#endif
#ifndef RETIRE
#define RETIRE 0
#endif
#ifndef INJECTS
#define INJECTS 1
#endif
#define MONITOR 2
mtype:word = { up, asleep, told }
mtype:duty = { regular, retiring, parked }

byte fresh[2], own[2], global;                /* queued fibers: those that can be stolen, those that cannot, those of no worker */
bool inbox[2], timer[2], offered[2];
mtype:word word[3] = up;
mtype:duty duty = regular;                    /* worker 1's */
byte awake = 2;
bool resting, hasBegun;                       /* a fiber that waits has begun on worker 1 */
byte spawns = SPAWNS;
bool mayRemote = REMOTE, mayTimer = TIMERS, mayInject = INJECTS, mayRetire = RETIRE;
bool rose, timeLock;
bool computing[2], forEver[2], inHand[3], acted;                      /* ghosts */

#define other (1 - me)
#define isRegular(p) (p == 0 || duty == regular)
#define mayPost(p) (p == 0 || duty != parked && (RETIRE == 0 || hasBegun))
#ifdef VIRTUAL
#define BY_CLOCK false
#else
#define BY_CLOCK true
#endif

#define call(p) word[p] == asleep -> word[p] = told

/* Finds a regular worker that sleeps, or has been woken and has not risen yet; wakes it if it sleeps. */
inline wakeWorker() {
  if
  :: atomic { call(0) }
  :: atomic { word[0] == told }
  :: atomic { word[0] == up && isRegular(1) -> if :: call(1) :: else fi }
  :: atomic { word[0] == up && !isRegular(1) }
  fi
}

inline wake(p) { atomic { if :: call(p) :: else fi } }
inline noteWaking() { atomic { awake++; rose = 1; acted = 0 } }

/* advanceVirtualTime and the timers that it fires, which make fibers of either worker ready. */
inline advance() {
  atomic { !timeLock -> timeLock = 1 };
  rose = 0;
  moves = (awake == 0);
  if :: moves -> moves = (global == 0) :: else fi;
  if :: moves -> moves = (fresh[other] + own[other] == 0 && !inbox[other]) :: else fi;
  if :: moves -> moves = (fresh[me] + own[me] == 0 && !inbox[me]) :: else fi;
  if :: moves -> moves = (timer[0] || timer[1]) :: else fi;
  atomic {
#ifndef NO_EPOCH
    if :: rose -> moves = 0 :: else fi;
#endif
    assert(!moves || !inHand[0] && !inHand[1] && !inHand[MONITOR])
  };
  if
  :: moves && timer[me] -> timer[me] = 0; own[me]++
  :: else
  fi;
  if
  :: moves && timer[other] -> timer[other] = 0; inbox[other] = 1; wake(other)
  :: else
  fi;
  timeLock = 0
}

proctype Worker(byte me) {
  bool last, moves;
  inHand[me] = 1;

running:                                      /* runs a fiber */
  do
  :: atomic { spawns > 0 -> spawns--; fresh[me]++ }
  :: atomic { mayRemote && mayPost(other) -> mayRemote = 0; inbox[other] = 1 }; wake(other)
  :: atomic { mayTimer -> mayTimer = 0; timer[me] = 1 }
  :: atomic { mayTimer && mayPost(other) -> mayTimer = 0; timer[other] = 1 }; wake(other)            /* tellOfTimer */
  :: atomic { me == 1 && hasBegun && duty == retiring -> hasBegun = 0 }
  :: computing[me] = 1;
endComputing: false
  :: break
  od;

find:                                         /* collectArrivals, look */
  if
  :: BY_CLOCK && timer[me] -> atomic { timer[me] = 0; own[me]++ }
  :: true
  fi;
  if :: atomic { inbox[me] -> inbox[me] = 0; own[me]++ } :: else fi;
  if
  :: !isRegular(me) && fresh[me] > 0 -> atomic { global = global + fresh[me]; fresh[me] = 0 }; wakeWorker()
  :: else
  fi;
  if
  :: atomic { isRegular(me) && global > 0 -> global--; inHand[me] = 1 }; goto found
  :: else
  fi;
  if
  :: atomic { own[me] > 0 -> own[me]--; inHand[me] = 1 }; goto found
  :: atomic { own[me] == 0 && fresh[me] > 0 -> fresh[me]--; inHand[me] = 1 }; goto found
  :: else
  fi;
  if
  :: isRegular(me) && offered[other] ->
     offered[other] = 0;
     if
     :: atomic { fresh[other] > 0 -> inHand[me] = 1; fresh[me] = fresh[me] + (fresh[other] + 1) / 2 - 1; fresh[other] = fresh[other] / 2 };
        goto found
     :: else
     fi
  :: else
  fi;
  if                                          /* parkIfDone */
  :: atomic { me == 1 && duty == retiring && !hasBegun && !inbox[1] -> duty = parked }
  :: else
  fi;
  inHand[me] = 0;

  word[me] = asleep;                          /* sleepUntilCalled */
  atomic { awake--; last = (awake == 0) };
#ifndef NO_LOOK
  if :: inbox[me] || fresh[me] + own[me] > 0 -> goto rise :: else fi;
  if :: global > 0 && isRegular(me) -> goto rise :: else fi;
#endif
#ifdef VIRTUAL
  if :: last -> advance(); if :: moves -> goto rise :: else fi :: else fi;
#endif
  atomic { if :: last && awake == 0 -> acted = 1 :: else fi; last = 0; forEver[me] = !(BY_CLOCK && timer[me]) };
endAsleep:
  atomic { BY_CLOCK && timer[me] || word[me] != asleep -> forEver[me] = 0 };
rise:
  moves = 0; last = 0;
  noteWaking();
  word[me] = up;
  goto find;

found:
#ifndef NO_NOTE
  if :: resting -> wake(MONITOR) :: else fi;
#endif
  goto running
}

#define serves(p, q) (fresh[p] > 0 && word[p] == up && (word[q] == asleep && isRegular(q) || isRegular(q) && word[q] == up && !computing[q]))
#define isLeft(p) (global > 0 && word[p] == asleep && isRegular(p))
#define isHeld(p) (word[p] == up && timer[p] && BY_CLOCK)

/* The end of `act`, in which the monitor has a fiber in hand. */
inline endAct() {
  inHand[MONITOR] = 0;
  atomic { awake--; p = (awake == 0) };
#ifndef NO_LAST
  if :: p == 1 -> wakeWorker() :: else fi;
#endif
  p = 0
}

active proctype Monitor() {
  byte p;
  bool lively = 1;
look:
  word[MONITOR] = asleep;
  if
  :: !lively ->
     resting = 1;
#ifdef NO_SECOND_LOOK
     if
     :: true ->
#else
     if
     :: awake == 0 ->
#endif
endResting:
        word[MONITOR] != asleep;
        resting = 0; word[MONITOR] = up; lively = 1; goto look
     :: else -> resting = 0
     fi
  :: else
  fi;
endPause:
  if                                          /* the time is up */
  :: serves(0, 1) || serves(1, 0) || isHeld(0) || isHeld(1)
#ifndef NO_REST
  :: isLeft(0) || isLeft(1)
#endif
  :: awake == 0
  fi;
  atomic { word[MONITOR] = up; lively = (word[0] == up || word[1] == up) };
  if :: lively = 1 :: true fi;
  if
  :: serves(0, 1) && word[1] == asleep -> offered[0] = 1; wakeWorker()
  :: serves(1, 0) && word[0] == asleep -> offered[1] = 1; wakeWorker()
#ifndef NO_REST
  :: isLeft(0) || isLeft(1) -> wakeWorker()
#endif
  :: atomic { fresh[0] > 0 && word[1] == up && isRegular(1) -> awake++; rose = 1; acted = 0; fresh[0]--; inHand[MONITOR] = 1 };       /* relieve */
     global++; wakeWorker(); endAct()
  :: atomic { fresh[1] > 0 && word[0] == up -> awake++; rose = 1; acted = 0; fresh[1]--; inHand[MONITOR] = 1 };
     global++; wakeWorker(); endAct()
  :: atomic { isHeld(0) && mayPost(1) -> awake++; rose = 1; acted = 0; timer[0] = 0; inHand[MONITOR] = 1 };                          /* fireTimers */
     inbox[1] = 1; wake(1); endAct()
  :: atomic { isHeld(0) && !mayPost(1) -> timer[0] = 0 }
  :: atomic { isHeld(1) -> awake++; rose = 1; acted = 0; timer[1] = 0; inHand[MONITOR] = 1 };
     inbox[0] = 1; wake(0); endAct()
  :: else
  fi;
  goto look
}

active proctype Outsider() {
end:
  do
  :: atomic { mayInject -> mayInject = 0; global++ }; wakeWorker()
  :: atomic { mayRetire -> mayRetire = 0; duty = retiring }; wake(1)
  od
}

#define atRest(p, q) \
  assert(forEver[p] || computing[p]); \
  assert(!forEver[p] || fresh[p] + own[p] == 0 && !inbox[p]); \
  assert(!forEver[p] || !isRegular(p) || global == 0); \
  assert(!(computing[p] && resting)); \
  assert(!(computing[p] && forEver[q] && isRegular(q)) || fresh[p] == 0 && !(BY_CLOCK && timer[p])); \
  assert(!(forEver[0] && forEver[1]) || acted && !timer[p])

active proctype Rest() {
  timeout -> d_step { atRest(0, 1); atRest(1, 0) }
}

init {
  atomic {
#if RETIRE
    if :: hasBegun = 1 :: hasBegun = 0 fi;
#endif
    run Worker(0); run Worker(1)
  }
}
