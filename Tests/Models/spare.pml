/*
 * Stand-ins, where fibers migrate: Scheduling/Monitor.swift (relieveHeldWorkers), Scheduler+Workers.swift (callStandIn,
 * dismissStandIns, parkIfDone), Scheduler+Ready.swift (collectArrivals), and how a worker falls asleep in
 * Scheduler+Idle.swift.
 *
 * Modelled: two workers, a third thread, and the monitor. The third thread is parked and may become a stand-in. A fiber
 * on any thread queues others there (SPAWNS in all), ends, or computes for ever. A thread outside the scheduler injects
 * a fiber.
 *
 * Abstractions. As in sleep.pml, without timers and inboxes. A thread that computes for ever is held; any other thread
 * moves. The code between lock and unlock of the workers' lock is one step.
 *
 * Property, at rest, that is, if every thread computes for ever or sleeps for ever:
 *  - If a worker sleeps, nothing is queued anywhere.
 *  - If something is queued, the third thread computes, too.
 *  - A thread that sleeps has nothing queued.
 *  - If all sleep, a thread has acted for all since the last one woke.
 *
 * -DNO_LOOK: a thread falls asleep without a second look at its duty and the queues.
 * -DNO_CALL: the monitor gives the third thread its duty and does not wake it.
 * -DNO_LAST: the monitor wakes no worker if all fell asleep while it had fibers in hand.
 */
#ifndef SPAWNS
#define SPAWNS 2
#endif
#define SPARE 2
#define MONITOR 3
mtype:word = { up, asleep, told }

byte queued[3], global;
bool offered[3];
mtype:word word[4] = up;
byte awake = 3;
bool standsIn, resting;                       /* the third thread's duty */
byte spawns = SPAWNS;
bool mayInject = 1;
bool computing[3], forEver[3], acted;         /* ghosts */

#define takes(p) (p != SPARE || standsIn)
#define call(p) word[p] == asleep -> word[p] = told

inline wakeWorker() {
  if
  :: atomic { call(0) }
  :: atomic { word[0] == told }
  :: atomic { word[0] == up -> if :: call(1) :: else fi }
  fi
}

inline stealFrom(p) {
  if
  :: p != me && offered[p] ->
     offered[p] = 0;
     if
     :: atomic { queued[p] > 0 -> queued[me] = queued[me] + (queued[p] + 1) / 2 - 1; queued[p] = queued[p] / 2 }; goto found
     :: else
     fi
  :: else
  fi
}

proctype Thread(byte me) {
  bool last;
  if :: me == SPARE -> goto find :: else fi;
running:
  do
  :: atomic { spawns > 0 -> spawns--; queued[me]++ }
  :: computing[me] = 1;
endComputing: false
  :: break
  od;
find:
  if
  :: !takes(me) && queued[me] > 0 -> atomic { global = global + queued[me]; queued[me] = 0 }; wakeWorker()
  :: else
  fi;
  if
  :: atomic { takes(me) && global > 0 -> global-- }; goto found
  :: else
  fi;
  if
  :: atomic { queued[me] > 0 -> queued[me]-- }; goto found
  :: else
  fi;
  if :: takes(me) -> stealFrom(0); stealFrom(1); stealFrom(2) :: else fi;
  if :: me == SPARE -> standsIn = 0 :: else fi;                       /* parkIfDone */
  word[me] = asleep;
  atomic { awake--; last = (awake == 0) };
#ifndef NO_LOOK
  if :: queued[me] > 0 || takes(me) && global > 0 -> goto rise :: else fi;
#endif
  atomic { if :: last && awake == 0 -> acted = 1 :: else fi; last = 0; forEver[me] = 1 };
endAsleep:
  atomic { word[me] != asleep -> forEver[me] = 0 };
rise:
  last = 0;
  atomic { awake++; acted = 0 };
  word[me] = up;
  goto find;
found:
  if :: resting -> atomic { if :: call(MONITOR) :: else fi } :: else fi;
  goto running
}

#define isFree(p) (word[p] != up || !computing[p])
#define isOneFree (isFree(0) || isFree(1))
#define isOffer(p) (queued[p] > 0 && word[p] == up && (word[0] == asleep || word[1] == asleep))
#define isLeft (global > 0 && (word[0] == asleep || word[1] == asleep))
#define isRelief(p) (computing[p] && queued[p] > 0)
#define isHelpWanted (!isOneFree && global > 0 && !standsIn && !computing[SPARE])

inline relieve(p) {
  atomic { awake++; acted = 0; hand = queued[p]; queued[p] = 0 };
  global = global + hand; hand = 0;
  wakeWorker();
  atomic { awake--; last = (awake == 0) };
#ifndef NO_LAST
  if :: last -> wakeWorker() :: else fi;
#endif
  last = 0
}

active proctype Monitor() {
  bool lively = 1, last;
  byte hand;
look:
  word[MONITOR] = asleep;
  if
  :: !lively ->
     resting = 1;
     if
     :: awake == 0 ->
endResting:
        word[MONITOR] != asleep;
        resting = 0; word[MONITOR] = up; lively = 1; goto look
     :: else -> resting = 0
     fi
  :: else
  fi;
endPause:
  if
  :: isOffer(0) || isOffer(1) || isOffer(2) || isLeft || isHelpWanted
  :: isRelief(0) || isRelief(1) || isRelief(2)
  :: isOneFree && standsIn
  :: awake == 0
  fi;
  atomic { word[MONITOR] = up; lively = (word[0] == up || word[1] == up || word[2] == up) };
  if
  :: isOffer(0) -> offered[0] = 1; wakeWorker()
  :: isOffer(1) -> offered[1] = 1; wakeWorker()
  :: isOffer(2) -> offered[2] = 1; wakeWorker()
  :: isLeft -> wakeWorker()
  :: atomic { isOneFree && standsIn -> standsIn = 0 }
  :: queued[0] > 0 && word[0] == up -> relieve(0)
  :: queued[1] > 0 && word[1] == up -> relieve(1)
  :: queued[2] > 0 && word[2] == up -> relieve(2)
  :: isHelpWanted -> standsIn = 1;
#ifndef NO_CALL
     atomic { if :: call(SPARE) :: else fi }
#endif
  :: else
  fi;
  goto look
}

active proctype Outsider() {
end:
  do
  :: atomic { mayInject -> mayInject = 0; global++ }; wakeWorker()
  od
}

active proctype Rest() {
  byte p, waiting;
  timeout ->
  d_step {
    p = 0;
    do
    :: p == 3 -> break
    :: p < 3 ->
       assert(computing[p] || forEver[p]);
       assert(computing[p] || queued[p] == 0);
       waiting = waiting + queued[p];
       p++
    od;
    waiting = waiting + global;
    assert(computing[0] && computing[1] || waiting == 0);
    assert(waiting == 0 || computing[SPARE]);
    assert(awake > 0 || acted);
    assert(awake == 0 || !resting)
  }
}

init { atomic { run Thread(0); run Thread(1); run Thread(SPARE) } }
