/*
 * A Swift task parks in a perform, and is woken or cancelled: Operations/TaskPerformer.swift (suspend, wake), and the
 * claim word of Operations/Claim.swift.
 *
 * Modelled: two tasks, one after the other with the same record. The first may be cancelled at any moment, and its
 * partner may never come. The second is not cancelled, and its partner comes. The runtime runs the cancellation handler
 * on the canceller if it is installed by then, else at its installation. It may run late, in the second task's perform.
 *
 * Left out: the queues (a partner finds the perform while the claim word is `waiting`), and retries (`Gate`), which are
 * performs like the second one. Stores are seen at once: each word that is read here is changed by an exchange.
 *
 * Properties: a task that has parked is resumed once, after it has been committed; exactly one party commits it; a
 * handler of the first task has no effect on the second; no task waits for ever (an end state that is not valid).
 * -DNO_EXCHANGE: `wake` looks first and stores then. -DNO_COMPARE: the task parks without a look. -DNO_EPOCH: the handler
 * commits whatever perform it finds. -DNO_LATE: a handler that is installed after the cancellation is not called.
 */
#define RUNNING 0
#define PARKED  1
#define WOKEN   2

#define NONE      0
#define VALUE     1
#define CANCELLED 2

byte word = RUNNING;                          /* savedStack */
bool waiting;                                 /* the claim word, */
byte epoch;                                   /* and the number of the perform in it */
byte verdict;
bool isCancelled;                             /* the first task */
byte handler;                                 /* the perform of the installed handler */
bool isResumed;

inline wake(found) {
#ifdef NO_EXCHANGE
  found = word;
  word = WOKEN;
#else
  atomic { found = word; word = WOKEN }
#endif
  if
  :: found == PARKED -> atomic { assert(!isResumed); isResumed = true }
  :: else
  fi
}

inline commit(number, how, mine) {
  atomic {
#ifdef NO_EPOCH
    mine = waiting;
#else
    mine = waiting && epoch == number;
#endif
    if
    :: mine -> waiting = false; verdict = how
    :: else
    fi
  }
}

active proctype tasks() {
  byte number = 1, found;
  bool mine, parks;
  do
  :: number > 2 -> break
  :: else ->
     if
     :: number == 1 && isCancelled -> goto next           /* on entry */
     :: else
     fi;
     atomic { epoch = number; verdict = NONE; waiting = true }
     if
     :: word == WOKEN -> skip
     :: word == RUNNING ->
        atomic { handler = number; mine = number == 1 && isCancelled }
#ifndef NO_LATE
        if
        :: mine ->
           commit(number, CANCELLED, mine);
           if
           :: mine -> wake(found)
           :: else
           fi
        :: else
        fi;
#endif
#ifdef NO_COMPARE
        atomic { parks = true; word = PARKED }
#else
        atomic {
          parks = word == RUNNING;
          if
          :: parks -> word = PARKED
          :: else
          fi
        }
#endif
        if
        :: parks -> atomic { isResumed -> isResumed = false }
        :: else
        fi;
        handler = 0
     fi;
     assert(!waiting && verdict != NONE && !isResumed);
     assert(number == 1 || verdict == VALUE);
     word = RUNNING;
next:
     number++
  od
}

active proctype partner() {
  byte found;
  bool mine;
  if
  :: commit(1, VALUE, mine);
     if
     :: mine -> wake(found)
     :: else
     fi
  :: true                                     /* it does not come */
  fi;
  waiting && epoch == 2;
  commit(2, VALUE, mine);
  if
  :: mine -> wake(found)
  :: else -> assert(false)
  fi
}

active proctype canceller() {
  byte found, number;
  bool mine;
  atomic { isCancelled = true; number = handler }
  if
  :: number == 1 ->
     commit(number, CANCELLED, mine);
     if
     :: mine -> wake(found)
     :: else
     fi
  :: else
  fi
}
