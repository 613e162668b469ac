/*
 * Closing a descriptor while others use its number: Reactor/DescriptorRecord.swift (beginUse, endUse, close,
 * finishClosing) and Reactor/Gate.swift.
 *
 * Modelled: a reader that tries and waits in turn, two closers, and the kernel. As soon as the number is free, the
 * kernel gives it to a new owner, which adopts it, has an event, and closes it as well. The reader's handle is of the
 * first generation. An event of the first descriptor may be delivered late. Atomics are sequentially consistent; the
 * gate's lock makes its steps atomic.
 *
 * Properties. The reader calls the kernel only while the number belongs to its generation. The number is returned to
 * the kernel once for each descriptor. At rest no waiter is at the gate of a closed descriptor.
 *
 * -DNO_USES: the closer returns the number although calls are in flight. -DNO_CLAIM: each thread that finds the last
 * call ended finishes the close.
 * -DNO_EPOCH: a waiter does not check whether a signal has come since it began to try.
 */
#define CLOSING 8

byte uses;                /* calls in flight, and CLOSING */
bool finishing;
byte generation = 1;
byte epoch;
bool waiting;             /* the reader's offer is left */
bool isOpen = true;       /* the kernel's view of the number */
byte owner = 1;           /* the generation that the kernel's descriptor belongs to */
byte returned;            /* how often the number has been returned */
bool inCall;              /* ghost: the reader is in the kernel, with the number */

inline signal() { atomic { epoch++; waiting = false } }

inline giveBack() {
  generation++;
#ifdef NO_CLAIM
  atomic { if :: uses >= CLOSING -> uses = uses - CLOSING :: else fi };
#else
  atomic { uses = uses - CLOSING; finishing = false };
#endif
  atomic { assert(isOpen); assert(!inCall); isOpen = false; returned++ }
}

inline finish() {
#ifdef NO_CLAIM
  giveBack()
#else
  if
  :: atomic { uses == CLOSING && !finishing -> finishing = true }; giveBack()
  :: atomic { uses != CLOSING || finishing -> skip }
  fi
#endif
}

inline endUse() {
  atomic { uses--; last = (uses == CLOSING) };
  if :: last -> finish() :: else fi
}

inline close(mine) {
  /* Under the record's lock. */
  atomic {
    claimed = (generation == mine && uses < CLOSING);
    if :: claimed -> uses = uses + CLOSING + 1 :: else fi
  };
  if
  :: claimed ->
     signal();
#ifdef NO_USES
     atomic { uses = uses - CLOSING - 1; generation++; assert(isOpen); isOpen = false; returned++; assert(!inCall) }
#else
     endUse()
#endif
  :: else
  fi
}

active proctype Reader() {
  bool last, ok, done;
  byte before, turns;
  do
  :: done || turns == 3 -> break
  :: else ->
     turns++;
     before = epoch;
     atomic { uses++; ok = (uses < CLOSING) };
     ok = ok && generation == 1;
     if
     :: ok -> atomic { assert(isOpen && owner == 1); inCall = true }; inCall = false; endUse()
     :: else -> endUse(); done = true
     fi;
     if
     :: done
     :: else ->
        /* Would block: waits, unless there has been a signal. */
        atomic {
#ifdef NO_EPOCH
          waiting = true
#else
          if :: epoch == before -> waiting = true :: else fi
#endif
        };
        !waiting
     fi
  od
}

proctype Closer() {
  bool last, claimed;
  close(1)
}

/* The kernel gives the number to another owner, which closes it as well. */
active proctype Successor() {
  bool last, claimed;
  atomic { !isOpen -> isOpen = true; owner = 2 };
  signal();
  close(2)
}

/* An event of the first descriptor, perhaps late. */
active proctype Event() {
  if
  :: generation == 1 -> signal()
  :: else
  fi
}

init { atomic { run Closer(); run Closer() } }
