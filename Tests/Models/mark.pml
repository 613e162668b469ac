/*
 * A performer parks while its scope is cancelled, on a machine with total store order (x86-64): Performance.swift
 * (enlistAndPark, parkUnlessCancelled with its empty fence), Claim.swift (beginEnlisting, startWaiting, commit),
 * SpinLock.swift (the exchange), ScopeRecord+Cancel.swift (mark, fence, interrupt).
 *
 * Modelled: one performer that enlists one offer, again and again, and one canceller. Plain stores pass through the
 * performer's store buffer; an exchange and a compare-exchange wait until it is empty. The performer has no fence
 * between the store that publishes its offer and the load of the scope's mark. Instead it stores `claimed` before both,
 * and the exchange of the queue's lock publishes that. So a canceller that comes before `waiting` is stored finds
 * `claimed` and waits.
 *
 * Left out: partners (commit.pml); the canceller's own buffer (its mark is followed by a full fence); weaker machines
 * (they have a full fence there).
 * Property: at rest the performer is not parked in a cancelled scope, and has been made ready once if it parked and was
 * committed.
 * -DNO_CLAIM: beginEnlisting does nothing; spin finds the lost cancellation. With -DNO_CLAIM -DFENCE, a full fence
 * instead, it is correct.
 */
mtype = { idle, waiting, claimed, committed }

mtype word = idle;
chan buffer = [4] of { mtype };               /* the performer's stores to its claim word */
bool cancelled, ready, parked, ended;

active proctype Memory() {
  mtype value;
end:
  do
  :: atomic { buffer?value -> word = value; value = 0 }
  od
}

active proctype Performer() {
  do
  :: cancelled -> break
  :: else ->
#ifndef NO_CLAIM
     buffer!claimed;                          /* beginEnlisting */
#endif
     empty(buffer);                           /* the exchange of the queue's lock */
     buffer!waiting;                          /* startWaiting, and unlock */
#ifdef FENCE
     empty(buffer);
#endif
     if
     :: cancelled ->
        if
        :: atomic { empty(buffer) && word == waiting -> word = committed; break }
        :: empty(buffer) && word != waiting
        fi
     :: else
     fi;
     parked = 1;
endParked:
     atomic { ready -> ready = 0; parked = 0 };
     assert(empty(buffer) && word == committed)
  od;
  ended = 1; assert(!ready)
}

inline makeReady() { assert(!ready && !ended); ready = 1 }

/* Partners that commit it at any time, twice at most. */
active [2] proctype Partner() {
  if
  :: atomic { word == waiting -> word = committed }; makeReady()
  :: skip
  fi
}

active proctype Canceller() {
  if
  :: cancelled = 1;
     if
     :: atomic { word == waiting -> word = committed }; makeReady()
     :: word == idle || word == committed     /* claimed: commit() waits */
     fi
  :: skip
  fi
}

active proctype Rest() {
  timeout -> assert(ended || parked && !ready && word == waiting && !cancelled)
}
