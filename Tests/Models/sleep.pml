/*
 * Going to sleep without losing a fiber: Scheduling/Scheduler+Idle.swift (findWork ... isWatched),
 * Scheduler+Ready.swift (push, callForHelpIfUseful, inject, collectArrivals, callWorker), SleepWord.swift, and
 * tellWatch as called after a timer has been set.
 *
 * Modelled: two workers, all started. A running fiber queues others on its worker (light side), posts mail for worker 0
 * (the root fiber made ready elsewhere), sets a timer, and ends or computes for ever. An outsider injects a fiber, or
 * the mail. Each happens at most once, or SPAWNS times; -DMAIL=0, -DTIMERS=0, -DINJECTS=0 switch one off; the leftovers
 * of an earlier watch (isInspecting, watchDeadline) are arbitrary. Memory as in biased.pml: plain stores (storedCount,
 * earliestDeadline, `watch = -1`, isInspecting, watchDeadline, rise) pass through a store buffer, read-modify-writes
 * and sequentially consistent stores wait for it to drain, the heavy fence drains the other worker's.
 *
 * Abstractions. The queue's lock is biased.pml: a push, pop or steal is atomic, and only the count others see is
 * delayed (a thief's own stores are not: a count seen too high makes a worker look once more). Time: whether a timer is
 * due is arbitrary, a timed sleep may end at any moment, so a state with a timed sleeper is never at rest; a queue that
 * has not moved may be taken over at such an inspection. The last to fall asleep looks for a deadlock now and then
 * (deadlock.pml), but he stays announced meanwhile, so here his is one endless sleep. Left out: stopping, starting
 * workers, more than one deadline.
 *
 * -DVIRTUAL: a clock that stands still until advanceVirtualTime (Scheduler.swift) moves it, which no timed sleep ends
 * by. Instead of comparing `risings`, which would grow without bound, a flag is cleared at the first reading and set by
 * whoever counts; timeLock lets one read at
 * a time.
 *
 * Property, at rest (nothing can move: every worker computes for ever or sleeps for ever): if a worker sleeps, no queue
 * holds two fibers, none of a sleeper's holds one, nothing is in the overflow, no sleeper has mail; with -DWATCHED
 * also: no fiber is queued
 * behind one that computes, and no timer is set.
 * With -DVIRTUAL: time never moves while a worker has a fiber in hand, and no timer is left when both sleep for ever.
 * -DNO_RISINGS: time moves without a look at `risings`.
 * The sleeper does without the heavy fence where nobody else is awake, or he is about to keep the watch.
 * -DTOGETHER: what is queued may be left to its worker (Sharing.swift): whether it is, is arbitrary at every look; and
 * worker 1 may
 * give its queue to the other. -DUNWATCHED: a single one too, even if nobody inspects.
 * -DNO_FENCE: he always does. -DAS_BEFORE: without the second look in timeToSleep and the call in findWork.
 */
#ifndef SPAWNS
#define SPAWNS 2
#endif
#ifndef MAIL
#define MAIL 1
#endif
#ifndef TIMERS
#define TIMERS 1
#endif
#ifndef INJECTS
#define INJECTS 1
#endif
#define OUTSIDER 2
#define COUNT 0
#define EARLIEST 1
#define WATCH 2
#define INSPECTING 3
#define DEADLINE 4
#define WORD 5
#define NONE 2                                /* no watch */
#define PAST 0
#define SOON 1
#define NEVER 2
mtype:word = { awake, asleep, told }

byte queued[2], count[2];                     /* what the queue holds; storedCount in memory */
byte earliest[2] = NEVER;
mtype:word word[2] = awake;
byte sleepers, watch = NONE, watchDeadline, overflow;
bool isInspecting, hasMail;
byte spawns = SPAWNS;                         /* how often each thing may happen yet */
bool mayMail = MAIL, mayTimer = TIMERS, mayInject = INJECTS;
bool computing[2], sleepingForEver[2];        /* ghosts */
bool inHand[2];                               /* ghost: has taken a fiber and runs it */
bool rose, timeLock;
chan buffer[3] = [5] of { byte, byte };       /* the outsider uses read-modify-writes only */

#ifdef VIRTUAL
#define TIMED_BY_CLOCK(deadline) false
#else
#define TIMED_BY_CLOCK(deadline) (deadline != NEVER)
#endif
#ifdef TOGETHER
#define IS_TOGETHER true
#else
#define IS_TOGETHER false
#endif
#define drained(p) empty(buffer[p])
#define other (1 - me)
#define watchSeen(p) (buffer[p]??[WATCH, eval(NONE)] -> NONE : watch)

proctype Memory(byte p) {
  byte field, value;
end:
  do
  :: atomic {
       buffer[p]?field, value ->
       if
       :: field == COUNT -> count[p] = value
       :: field == EARLIEST -> earliest[p] = value
       :: field == WATCH -> watch = value
       :: field == INSPECTING -> isInspecting = value
       :: field == DEADLINE -> watchDeadline = value
       :: field == WORD -> word[p] = awake
       fi;
       field = 0; value = 0
     }
  od
}

inline callWorker(p) {
  if
  :: sleepers == 0
  :: else ->
     onWatch = watchSeen(p);
     if
     :: atomic { onWatch != NONE && drained(p) && word[onWatch] == asleep -> word[onWatch] = told }
     :: atomic { onWatch == NONE || drained(p) && word[onWatch] != asleep -> onWatch = 0 };
        if
        :: atomic { drained(p) && word[0] == asleep -> word[0] = told }
        :: drained(p) && word[0] != asleep ->
           if
           :: atomic { drained(p) && word[1] == asleep -> word[1] = told }
           :: drained(p) && word[1] != asleep
           fi
        fi
     fi;
     onWatch = 0
  fi
}

inline add(change) { queued[me] = queued[me] + change; buffer[me]!COUNT, queued[me] }

inline push() { atomic { nfull(buffer[me]) -> add(1) }; help() }

/* callForHelpIfUseful; the count is the owner's own, so it is exact. */
inline help() {
  if
  :: atomic { queued[me] < 2 && isInspecting -> seen = 1 }; if :: watchSeen(me) != NONE :: else -> callWorker(me) fi; seen = 0
  :: queued[me] < 2 && !isInspecting -> callWorker(me)
  :: queued[me] == 2 || queued[me] == 4 -> callWorker(me)
#ifdef TOGETHER
  :: atomic { (queued[me] == 2 || queued[me] == 4) && isInspecting -> seen = 1 };
     if :: watchSeen(me) != NONE :: else -> callWorker(me) fi;
     seen = 0
#endif
#ifdef UNWATCHED
  :: queued[me] > 0
#endif
  :: queued[me] == 3 || queued[me] > 4
  fi
}

/* TimerQueue.fire, if it is due: the fiber is queued here. */
inline fire(w) {
#ifndef VIRTUAL
  if
  :: earliest[w] == NEVER
  :: atomic { earliest[w] == SOON && drained(me) -> earliest[w] = NEVER }; push()
  :: earliest[w] == SOON && drained(me)
  fi
#else
  skip
#endif
}

/* advanceVirtualTime, and what it fires. */
inline advance() {
  atomic { drained(me) && !timeLock -> timeLock = 1 };
  rose = 0;
  moves = (sleepers == 2);
  if :: moves -> moves = (queued[me] == 0 && count[other] == 0) :: else fi;
  if :: moves -> moves = !hasMail :: else fi;
  if :: moves -> moves = (earliest[0] != NEVER || earliest[1] != NEVER) :: else fi;
  if :: moves -> moves = (overflow == 0) :: else fi;
  atomic {
#ifndef NO_RISINGS
    if :: rose -> moves = 0 :: else fi;
#endif
    assert(!moves || !inHand[other])
  };
  if
  :: atomic { moves && drained(me) -> earliest[0] = NEVER; earliest[1] = NEVER }; push()
  :: !moves
  fi;
  atomic { drained(me) -> timeLock = 0 }
}

inline tellWatch() {
  if
  :: isInspecting
  :: else ->
     if
     :: SOON < watchDeadline ->
        onWatch = watchSeen(me);
        if
        :: atomic { onWatch != NONE && drained(me) && word[onWatch] == asleep -> word[onWatch] = told }
        :: onWatch == NONE || drained(me) && word[onWatch] != asleep
        fi;
        onWatch = 0
     :: else
     fi
  fi
}

inline wakeWorker0(p) {
  if
  :: atomic { drained(p) && word[0] == asleep -> word[0] = told }
  :: drained(p) && word[0] != asleep
  fi
}

proctype Worker(byte me) {
  byte onWatch, deadline;
  bool seen, allAsleep, timed, moves;
  if
  :: me == 0 -> inHand[0] = 1; goto running
  :: else -> goto find
  fi;

running:                                      /* a fiber */
  do
  :: atomic { spawns > 0 -> spawns-- }; push()
  :: atomic { me == 1 && mayMail && drained(me) -> mayMail = 0; hasMail = 1 }; wakeWorker0(me)
  :: atomic { mayTimer && drained(me) -> mayTimer = 0; buffer[me]!EARLIEST, SOON }; tellWatch()
#ifdef TOGETHER
  :: atomic { me == 1 && queued[1] > 0 && drained(1) && word[0] != asleep -> seen = 1 };         /* giveQueueToEarlierWorker */
     atomic {
       drained(0) && drained(1) -> queued[0] = queued[0] + queued[1]; count[0] = queued[0]; queued[1] = 0; count[1] = 0; seen = 0
     };
     wakeWorker0(me)
#endif
  :: computing[me] = 1;
endComputing: false
  :: break
  od;
  if
  :: atomic { queued[me] > 0 && nfull(buffer[me]) -> add(-1); goto running }
  :: atomic { queued[me] == 0 -> inHand[me] = 0 }
  fi;

find:                                         /* look */
  fire(me);
  if
  :: atomic { me == 0 && hasMail && drained(me) -> hasMail = 0; add(1) }
  :: me == 1 || !hasMail
  fi;
  if
  :: atomic { overflow > 0 && drained(me) -> overflow--; add(1) }
  :: overflow == 0
  fi;
  if
  :: atomic { queued[me] > 0 && nfull(buffer[me]) -> add(-1); inHand[me] = 1; goto found }
  :: queued[me] == 0
  fi;
  fire(other);
  if
  :: count[other] < 2 || IS_TOGETHER
  :: count[other] == 1 && watch == me && timed -> goto steal
  :: count[other] >= 2 ->
steal:
     if
     :: atomic {
          drained(me) && drained(other) && queued[other] > 0 ->       /* half, one of which runs at once */
          add((queued[other] + 1) / 2 - 1);
          queued[other] = queued[other] / 2; count[other] = queued[other];
          inHand[me] = 1
        };
        if :: queued[me] > 1 -> callWorker(me) :: else fi;
        goto found
     :: queued[other] == 0
     fi
  fi;
  if
  :: atomic { queued[me] > 0 && nfull(buffer[me]) -> add(-1); inHand[me] = 1; goto found }
  :: queued[me] == 0
  fi;

  atomic { drained(me) -> word[me] = asleep; timed = 0 };             /* sleepUntilCalled */
  atomic { drained(me) -> sleepers++; allAsleep = (sleepers == 2) };
#ifndef NO_FENCE
  if                                                                  /* isSeenToWithoutFence */
  :: allAsleep || watchSeen(me) == NONE || watchSeen(me) == me
  :: else -> drained(other)
  fi;
#endif
  if :: me == 0 && hasMail -> goto rise :: else fi;                   /* isQuiet */
  if :: overflow > 0 -> goto rise :: else fi;
  if :: queued[me] > 0 -> goto rise :: else fi;
  if :: count[other] >= 2 -> goto rise :: count[other] < 2 || IS_TOGETHER fi;

#ifdef VIRTUAL
  if
  :: allAsleep -> advance(); if :: moves -> moves = 0; goto rise :: else fi
  :: else
  fi;
#endif

  if                                                                  /* timeToSleep */
  :: atomic { drained(me) && watch == NONE -> watch = me }
  :: watch == me
  :: drained(me) && watch == other ->
     if
     :: earliest[me] < watchDeadline ->
        if
        :: atomic { drained(me) && word[other] == asleep -> word[other] = told }
        :: drained(me) && word[other] != asleep
        fi
     :: else
     fi;
     goto wait
  fi;
#ifndef AS_BEFORE
  /* Publishes the cautious answers, fences, and only then looks: who has risen or set a timer meanwhile sees them or is seen. */
  buffer[me]!INSPECTING, 0;
  buffer[me]!DEADLINE, NEVER;
  atomic { drained(me) -> allAsleep = (sleepers == 2) };
#endif
  deadline = earliest[0];
  atomic { if :: earliest[1] < deadline -> deadline = earliest[1] :: else fi; timed = (TIMED_BY_CLOCK(deadline) || !allAsleep) };
  atomic { nfull(buffer[me]) -> buffer[me]!INSPECTING, !allAsleep };
  atomic { nfull(buffer[me]) -> buffer[me]!DEADLINE, deadline; deadline = 0 };
wait:
  sleepingForEver[me] = !timed;
endAsleep:
  atomic { timed || word[me] != asleep -> sleepingForEver[me] = 0 };
rise:
  atomic { drained(me) -> sleepers--; allAsleep = 0 };
#ifdef VIRTUAL
  rose = 1;
#endif
  buffer[me]!WORD, 0;
  goto find;

found:
  timed = 0;
  if
  :: watchSeen(me) == me -> buffer[me]!WATCH, NONE; callWorker(me)    /* endWatch */
  :: else ->
#ifndef AS_BEFORE
     if :: queued[me] > 0 -> help() :: else fi                        /* what arrived with it has been announced to nobody */
#endif
  fi;
  goto running
}

active proctype Outsider() {
  byte onWatch;
end:
  do
  :: atomic { mayInject -> mayInject = 0; overflow++ }; callWorker(OUTSIDER)
  :: atomic { mayMail -> mayMail = 0; hasMail = 1 }; wakeWorker0(OUTSIDER)
  od
}

#define atRest(p, q) assert(sleepingForEver[p] || computing[p]); \
  assert(!sleepingForEver[p] || overflow == 0 && queued[p] == 0 && queued[q] < 2 && !(p == 0 && hasMail))
#ifdef VIRTUAL
#define watched(p, q) assert(!sleepingForEver[p] || queued[q] == 0 && (computing[q] || earliest[p] == NEVER && earliest[q] == NEVER))
#else
#define watched(p, q) assert(!sleepingForEver[p] || queued[q] == 0 && earliest[p] == NEVER && earliest[q] == NEVER)
#endif

active proctype Rest() {
  timeout ->
  d_step {
    atRest(0, 1); atRest(1, 0);
#ifdef WATCHED
    watched(0, 1); watched(1, 0)
#endif
  }
}

init {
  atomic {
    if :: isInspecting = 0 :: isInspecting = 1 fi;
    if :: watchDeadline = PAST :: watchDeadline = NEVER fi;
    run Worker(0); run Worker(1); run Memory(0); run Memory(1)
  }
}
