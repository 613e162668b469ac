/*
 * How a sleep is ended by the one call that does it (SleepWord.swift: claimWake, watch, beginPolling, rise), while the
 * sleeper goes from one way of sleeping to another.
 *
 * Modelled: a worker that marks itself as asleep, looks once more for a fiber, watches for a while, sleeps in the
 * kernel or in a reactor, and rises, again and again; two threads that each queue a fiber and then wake it, by
 * compare-exchanges one after the other. A futex wait returns at once if the word is not `asleep`.
 *
 * Left out: what a fiber does; timers (sleep.pml); weaker memory orders (weak.pml).
 * Property: the worker takes every fiber and ends, so it never sleeps beside one; one call rings for one sleep in the
 * reactor.
 * -DONE_TRY: a call expects each way of sleeping once, in a fixed order; spin finds the lost wakeup.
 */
mtype = { awake, asleep, watching, polling, told }

#define CALLERS 2

mtype word = awake;
byte queued, taken, rings;
bool inKernel, inReactor;

inline attempt(expected) {
  atomic {
    found = word;
    if
    :: word == expected -> word = told; mine = 1
    :: else
    fi
  }
}

proctype Caller() {
  mtype found, want = asleep;
  bool mine;
  queued++;
#ifdef ONE_TRY
  attempt(asleep);
  if
  :: !mine -> want = polling; attempt(polling)
  :: else
  fi;
  if
  :: !mine -> want = watching; attempt(watching)
  :: else
  fi;
#else
  do
  :: attempt(want);
     if
     :: mine || found == awake || found == told -> break
     :: else -> want = found
     fi
  od;
#endif
  if
  :: mine && want == asleep -> inKernel = 0
  :: mine && want == polling -> atomic { assert(rings == 0); rings++; inReactor = 0 }
  :: else
  fi
}

active proctype Worker() {
  byte index;
  for (index : 1 .. CALLERS) { run Caller() }
  do
  :: atomic { queued > 0 -> queued--; taken++ }
  :: taken == CALLERS -> break
  :: atomic { queued == 0 && taken < CALLERS -> word = asleep };
     if
     :: queued > 0 -> goto up                 /* the look after the announcement */
     :: queued == 0
     fi;
     if
     :: word != asleep -> goto up
     :: atomic { word == asleep -> word = watching };
        if
        :: word != watching -> goto up        /* seen */
        :: atomic { word == watching -> word = asleep }
        fi
     :: true                                  /* does not watch */
     fi;
     if
     :: word != asleep -> goto up
     :: atomic { word == asleep -> inKernel = 1 };
        !inKernel                             /* asleep in the kernel */
     :: atomic { word == asleep -> word = polling; inReactor = 1 };
        !inReactor;                           /* asleep in a reactor */
        rings = 0
     fi;
up:  word = awake
  od
}
