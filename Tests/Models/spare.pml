/*
 * Who keeps watch: Scheduling/Scheduler+Spares.swift, Scheduler+WorkerCount.swift (leave), goToWork and timeToSleep of
 * Scheduler+Watch.swift, and the falling asleep of Scheduler+Idle.swift as far as it counts.
 *
 * Modelled: WORKERS workers, all started, and SPARES spares, the first of which is the sentinel and rests. A fiber on a
 * worker or spare queues others there (SPAWNS in all), ends, or computes for ever. An outsider injects a fiber; with
 * -DRETIRE he may tell the last worker to leave.
 *
 * Abstractions. Memory is sequentially consistent: the words that count here are changed by read-modify-writes or
 * sequentially consistent stores, or before a heavy fence (sleep.pml has the store buffers, for two workers). Time is
 * as there: a timed sleep may end at any moment, and then a queue behind a fiber that computes for ever may be taken
 * over. A worker that does not compute for ever is one that moves. A scan of the queues is one step. A spare runs what
 * is queued on it to the end before it steps back. Left out: starting threads, timers, stopping.
 *
 * Property, at rest (every thread computes for ever or sleeps for ever): if a worker sleeps, nothing is queued
 * anywhere; otherwise, if something is queued, all spares are occupied. If everybody sleeps, somebody has acted for all
 * (looked for a deadlock, moved
 * virtual time) since the last one rose or left.
 * -DNO_PASSING: who is called for the watch and finds work calls nobody. -DNO_LAST: who stops counting as awake wakes
 * nobody.
 * -DNO_SECOND_LOOK: the sentinel looks whether anybody sleeps before it announces that it rests.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef SPARES
#define SPARES 1
#endif
#ifndef SPAWNS
#define SPAWNS 2
#endif
#define ALL (WORKERS + SPARES)
#define NONE 9
mtype:word = { awake, asleep, told }

byte queued[ALL], overflow;
mtype:word word[ALL] = awake;
byte sleepers, present = WORKERS, sparesAwake = SPARES, watch = NONE, sentinel = NONE;
bool isInspecting, sentinelRests, leaving;
byte spawns = SPAWNS;
bool computing[ALL], forEver[ALL], inHand[ALL], acted;     /* ghosts */

#define everybodyAsleep (sleepers == present && sparesAwake == 0)

#define call(p) word[p] == asleep -> word[p] = told

/* The one on watch, or anybody; sets `called`. */
inline wakeWorker() {
  called = (sleepers > 0);
  atomic {
    if
    :: !called
    :: called && watch != NONE && word[watch] == asleep -> word[watch] = told
    :: else ->
       if
       :: call(0)
       :: call(1)
#if WORKERS == 3
       :: call(2)
#endif
       :: else
       fi
    fi
  }
}

inline help() {
  if
  :: queued[me] == 1 && isInspecting && watch != NONE
  :: else -> wakeWorker()
  fi
}

inline callSentinel() {
  if
  :: sleepers == 0 ->
     if
     :: atomic { sentinel != NONE && sentinelRests -> if :: call(sentinel) :: else fi }
     :: else
     fi
  :: else
  fi
}

inline runFibers() {
  do
  :: atomic { spawns > 0 -> spawns--; queued[me]++ }; help()
  :: computing[me] = 1;
endComputing: false
  :: atomic { queued[me] > 0 -> queued[me]-- }
  :: atomic { queued[me] == 0 -> inHand[me] = 0; break }
  od
}

#define takeFrom(p) queued[p]--; inHand[me] = 1

proctype Worker(byte me) {
  byte p;
  bool called, timed;
  if
  :: inHand[me] = 1; goto running
  :: goto find
  fi;
running:
  runFibers();
find:
  if
  :: me == WORKERS - 1 && leaving -> goto leave
  :: else
  fi;
  if
  :: atomic { overflow > 0 -> overflow--; inHand[me] = 1 }; goto found
  :: overflow == 0
  fi;
  atomic {
    p = 0;
    do
    :: p == ALL -> p = 0; break
    :: p < ALL && p != me && (queued[p] >= 2 || queued[p] == 1 && watch == me && timed) -> takeFrom(p); p = 0; goto found
    :: else -> p++
    od;
    timed = 0
  };
  word[me] = asleep;
  sleepers++;
  atomic {
    if :: overflow > 0 || me == WORKERS - 1 && leaving -> goto rise :: else fi;
    do
    :: p == ALL -> p = 0; break
    :: p < ALL && queued[p] >= 2 -> p = 0; goto rise
    :: p < ALL && queued[p] < 2 -> p++
    od
  };
  called = everybodyAsleep;
  if
  :: atomic { watch == NONE -> watch = me }
  :: watch == me
  :: watch != NONE && watch != me -> goto wait
  fi;
  isInspecting = 0;
  atomic { timed = !everybodyAsleep; isInspecting = timed };
wait:
  if
  :: atomic { called && everybodyAsleep -> acted = 1 }                      /* advanceVirtualTime, isDeadlocked look again */
  :: else
  fi;
  called = 0;
  forEver[me] = !timed;
endAsleep:
  atomic { timed || word[me] != asleep -> forEver[me] = 0 };
rise:
  atomic { sleepers--; acted = 0 };
  word[me] = awake;
  goto find;
found:
  timed = 0; called = 0;
  if :: watch == me -> watch = NONE :: else fi;
  if
#ifdef NO_PASSING
  :: watch == NONE && false
#else
  :: watch == NONE -> wakeWorker()
#endif
  :: else
  fi;
  if :: !called && queued[me] > 0 -> help() :: else fi;
  called = 0;
  callSentinel();
  goto running;
leave:
  if :: watch == me -> watch = NONE :: else fi;
  wakeWorker(); called = 0;
  callSentinel();
  atomic { present--; acted = 0; forEver[me] = 1 };
#ifndef NO_LAST
  if :: everybodyAsleep -> wakeWorker() :: else fi;
#endif
  called = 0
}

proctype Spare(byte me) {
  byte p;
  bool called, timed, isTimeUp, moving;
inspect:
  if
  :: sleepers > 0 || !isTimeUp -> goto rest
  :: else
  fi;
  atomic {
    p = 0;
    do
    :: p == ALL -> p = 0; break
    :: p < ALL && p != me && (p >= WORKERS -> inHand[p] && !computing[p] : !computing[p] && !(p == WORKERS - 1 && present < WORKERS)) ->
       moving = 1; p++
    :: p < ALL && p != me && computing[p] -> overflow = overflow + queued[p]; called = (called || queued[p] > 0); queued[p] = 0; p++
    :: else -> p++
    od
  };
  if :: moving && called -> wakeWorker() :: else fi;
  called = 0;
  if
  :: moving || sleepers > 0 -> goto rest
  :: else
  fi;
  if
  :: atomic { overflow > 0 -> overflow--; inHand[me] = 1 }
  :: overflow == 0 -> goto rest
  fi;
  if                                                                  /* appointAnother */
  :: sentinel == me ->
     sentinel = NONE;
#if SPARES == 2
     p = (me == WORKERS -> WORKERS + 1 : WORKERS);
     if
     :: word[p] == asleep ->
        if
        :: atomic { sentinel == NONE -> sentinel = p }; atomic { if :: call(p) :: else fi }
        :: sentinel != NONE
        fi
     :: word[p] != asleep
     fi;
     p = 0
#endif
  :: sentinel != me
  fi;
  runFibers();
  isTimeUp = 1; goto inspect;
rest:
  moving = 0;
  word[me] = asleep;
  if :: atomic { sentinel == NONE -> sentinel = me } :: sentinel != NONE fi;
  timed = 0;
  if
  :: sentinel == me ->
#ifdef NO_SECOND_LOOK
     timed = (sleepers == 0);
     sentinelRests = !timed
#else
     sentinelRests = 1;
     if :: sleepers == 0 -> sentinelRests = 0; timed = 1 :: sleepers > 0 fi
#endif
  :: sentinel != me
  fi;
  atomic { sparesAwake--; acted = 0 };
#ifndef NO_LAST
  if :: everybodyAsleep -> wakeWorker() :: else fi;
  called = 0;
#endif
  forEver[me] = !timed;
endAsleep:
  atomic { timed || word[me] != asleep -> forEver[me] = 0; isTimeUp = (word[me] == asleep) };
  atomic { sparesAwake++; acted = 0 };
  word[me] = awake;
  goto inspect
}

active proctype Outsider() {
  byte me;
  bool called;
end:
  do
  :: atomic { spawns > 0 -> spawns--; overflow++ }; wakeWorker(); called = 0
#ifdef RETIRE
  :: atomic { !leaving -> leaving = 1 };
     atomic { if :: call(WORKERS - 1) :: else fi }
#endif
  od
}

active proctype Rest() {
  byte p, sleeping, occupied, waiting;
  timeout ->
  d_step {
    p = 0;
    do
    :: p == ALL -> break
    :: p < ALL ->
       assert(computing[p] || forEver[p]);
       if
       :: computing[p] -> occupied = occupied + (p >= WORKERS -> 1 : 0)
       :: else -> assert(queued[p] == 0)
       fi;
       waiting = waiting + queued[p];
       p++
    od;
    waiting = waiting + overflow;
    assert(sleepers == 0 || waiting == 0);
    assert(waiting == 0 || occupied == SPARES);
    assert(!everybodyAsleep || acted)
  }
}

init {
  atomic {
    sentinel = WORKERS;
    byte i = 0;
    do
    :: i < WORKERS -> run Worker(i); i++
    :: i >= WORKERS && i < ALL -> run Spare(i); i++
    :: i == ALL -> break
    od
  }
}
