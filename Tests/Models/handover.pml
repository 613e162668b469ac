/*
 * A fiber is made ready, and picked by another worker, before it has left its stack: Fibers/FiberRecord.swift (head
 * comment), Worker+Switching.swift (run, ready, prepare, takeSavedStack), Worker+Lifecycle.swift (nextFromHandover).
 *
 * Modelled: WORKERS threads, each at any moment on one stack (its loop's or a fiber's), and FIBERS fibers. Each fiber
 * for ever does one of three things: wake a waiting fiber, wait, or yield. Another fiber or an outside event (a timer,
 * a cancellation) can commit and queue a waiting fiber at once, and either worker can steal or collect it. A switch is
 * three steps: read the next fiber's savedStack, clear it, store its own last and leave.
 *
 * Left out: the order of the queues (a pick takes any fiber, which includes the real one); the worker on which an
 * outside waker queues (either); the moments when a worker looks outside its own queue. Here it may take any queued
 * fiber at every pick, as after a steal, a timer, a wakeup by another thread or a look at the global queue. So waits
 * that need a rare combination are all covered. First runs and ends of fibers are left out: a new fiber has no stack to
 * wait for, and an ended one saves no stack. Stores are seen at once: savedStack is stored with release order after
 * everything else, and is the only word that is read without a lock here.
 *
 * Properties: no worker runs on a stack that another worker is still on; a fiber that goes on after waiting has been
 * committed; no deadlock (an end state with a queued fiber).
 * -DNAIVE: the wait for savedStack happens on the fiber's own stack; spin finds the deadlock.
 */
#ifndef FIBERS
#define FIBERS 2
#endif
#define WORKERS 2
#define LOOP  FIBERS                          /* "on the loop's stack" */
#define NONE  (FIBERS + 1)

bool saved[FIBERS] = 1;                       /* savedStack is not null */
bool waiting[FIBERS];                         /* its claim word: offers left, not committed */
byte queued;                                  /* bit set of the queued fibers */
byte on[WORKERS] = LOOP;

#define bit(f) (1 << (f))
#define ready(f) queued = queued | bit(f)

/* Any queued fiber, or NONE. */
inline pick(next) {
  atomic {
    if
    :: queued & 1 -> next = 0
    :: queued & 2 -> next = 1
#if FIBERS > 2
    :: queued & 4 -> next = 2
#endif
    :: next = NONE                            /* the own queue is empty */
    fi;
    if
    :: next != NONE -> queued = queued & ~bit(next)
    :: else
    fi
  }
}

/* run(next, instead: me), from fiber `me`. */
inline switchFrom(me, next) {
  if
  :: next == NONE -> next = LOOP
  :: else ->
#ifdef NAIVE
     saved[next]
#else
     if
     :: saved[next]
     :: !saved[next] -> handed = next; next = LOOP
     fi
#endif
  fi;
  if
  :: next != LOOP -> assert(saved[next]); saved[next] = 0
  :: else
  fi;
  atomic { assert(on[w] == me); saved[me] = 1; on[w] = next; next = 0; me = 0 }
}

inline wake(f) {
  atomic {
    if
    :: waiting[f] -> waiting[f] = 0; ready(f)
    :: else
    fi
  }
}

proctype Worker(byte w) {
  byte me, next, handed = NONE;
  do
  :: on[w] == LOOP ->
     if
     :: handed != NONE -> atomic { next = handed; handed = NONE }; saved[next]
     :: else ->
end:    queued != 0;                          /* asleep */
        pick(next);
        if
        :: next != NONE && saved[next]
        :: next != NONE && !saved[next] -> handed = next; next = NONE
        :: else
        fi
     fi;
     if
     :: next == NONE                          /* look again */
     :: else -> assert(saved[next]); saved[next] = 0; on[w] = next
     fi;
     next = 0
  :: else ->
     atomic { me = on[w]; assert(!saved[me] && on[1 - w] != me && !waiting[me] && !(queued & bit(me))) };
     if
     :: wake((me + 1) % FIBERS)
     :: waiting[me] = 1;                      /* the offers are left; from here on it may be committed */
        pick(next);
        if
        :: next == me -> skip                 /* made ready meanwhile, and picked: goes on */
        :: else -> switchFrom(me, next)
        fi
     :: ready(me);                            /* yield */
        pick(next);
        if
        :: next == me -> skip
        :: else -> switchFrom(me, next)
        fi
     fi
  od
}

/* A timer, a cancellation, a plain thread. */
active proctype Outside() {
end:
  do
  :: waiting[0] -> wake(0)
  :: waiting[1] -> wake(1)
#if FIBERS > 2
  :: waiting[2] -> wake(2)
#endif
  od
}

init {
  atomic { queued = bit(FIBERS) - 1; run Worker(0); run Worker(1) }
}
