/*
 * A dump reads what a parked performer waits for, while the performer may be woken: FiberRef+Look.swift (look, endLook,
 * offersLookedAt), Performance+Parking.swift (parkUnlessCancelled), SnapshotTaker+Bonds.swift (confirm).
 *
 * Modelled: one performer that lays one offer or two out, parks, is committed by another thread or commits itself, and
 * takes its offers back, again and again; then other frames use their memory. A committer, which may also claim the
 * performer and let it go. Two readers, each of which looks twice, as a dump does to confirm what it has read. The
 * machine has total store order (x86-64): plain stores of performer and readers pass through buffers; an exchange and a
 * compare-exchange wait until the own buffer is empty, the heavy fence also until the performer's has been.
 *
 * Left out: the links of an offer, which are read by no dump; the locks of queues, which no reader needs; several
 * performers at once, which have a mark each; weaker machines.
 *
 * Properties: every offer that is read belongs to the perform whose number the reader has seen, and is laid out; if the
 * second look finds the same number, the performer has not gone on in between; no deadlock.
 *
 * Each precaution left out once; spin finds the wrong read:
 * -DNO_FENCE: the reader reads as soon as it has stored its mark.
 * -DNO_LOOK: the performer does not look for a mark after its wakeup.
 * -DNO_WORD: the reader does not check that the performer waits.
 * -DCOUNT_FIRST: the reader reads the number of offers before the word.
 * -DNO_RESET: the number of offers stays when the perform is over.
 * -DCOUNT_EARLY: the number of offers is stored before their address.
 * -DEARLY_WITHDRAWAL: the performer takes its offers back before it looks for a mark.
 * -DEARLY_END: the reader takes its mark away before it reads the offers.
 * -DNO_LOCK: readers do not exclude each other.
 * -DNO_EPOCH: the second look does not compare the numbers of the performs.
 */
#ifndef PERFORMS
#define PERFORMS 3
#endif

/* The claim word: the state, and the number of the perform above it. */
#define CLAIMED   0
#define WAITING   1
#define COMMITTED 2
#define word(state, number) ((number) * 4 + (state))
#define state(word) ((word) % 4)
#define number(word) ((word) / 4)

/* What the performer stores. An offer's cell holds the number of its perform; 0 is something else's. */
#define WORD  0
#define PLACE 1      /* the address of the first offer: the record's own, or the first of two on the stack */
#define COUNT 2
#define CELL  3
byte memory[6];
chan buffer[3] = [8] of { byte, byte };      /* of the performer and the two readers: address, value */
#define PERFORMER 2
#define MARK  0      /* in a reader's buffer */
bool mark, ready, locked;
byte commits;                                /* ghost: how many performs have been committed */

proctype Memory(byte p) {
  byte address, value;
end:
  do
  :: atomic {
       buffer[p]?address, value ->
       if
       :: p == PERFORMER -> memory[address] = value
       :: else -> mark = value
       fi;
       address = 0; value = 0
     }
  od
}

#define put(address, value) buffer[PERFORMER]!address, value

inline showOffers() {
#ifdef COUNT_EARLY
  put(COUNT, count); put(PLACE, place);
#else
  put(PLACE, place); put(COUNT, count);
#endif
}

inline withdraw() {
  put(CELL + place, 0);
  if
  :: count == 2 -> put(CELL + place + 1, 0)
  :: else
  fi
}

inline commitSelf() {
  atomic {
    empty(buffer[PERFORMER]);
    if
    :: memory[WORD] == word(WAITING, mine) -> memory[WORD] = word(COMMITTED, mine); commits++; isDone = 1
    :: state(memory[WORD]) == COMMITTED -> isDone = 0
    fi                                       /* while it is claimed this waits */
  }
}

proctype Performer() {
  byte mine, place, count;
  bool isDone;
  do
  :: mine == PERFORMS -> break
  :: mine < PERFORMS ->
     mine++;
     if
     :: place = 0; count = 1
     :: place = 1; count = 2
     fi;
     put(WORD, word(CLAIMED, mine));
     put(CELL + place, mine);
     if
     :: count == 2 -> put(CELL + place + 1, mine)
     :: else
     fi;
     empty(buffer[PERFORMER]);               /* the exchange of a queue's lock */
     put(WORD, word(WAITING, mine));
     showOffers();
     isDone = 0;
     if
     :: commitSelf()                         /* the scope is cancelled */
     :: true
     fi;
     if
     :: isDone
     :: !isDone -> atomic { ready -> ready = 0 }
     fi;
#ifdef EARLY_WITHDRAWAL
     withdraw();
#endif
#ifndef NO_LOOK
     !mark;
#endif
#ifndef NO_RESET
     put(COUNT, 0);
#endif
#ifndef EARLY_WITHDRAWAL
     withdraw();
#endif
     skip
  od
}

proctype Committer() {
  byte found;
end:
  do
  :: atomic { state(memory[WORD]) == WAITING -> found = memory[WORD]; memory[WORD] = found - WAITING + CLAIMED };
     if
     :: memory[WORD] = found
     :: atomic { memory[WORD] = word(COMMITTED, number(found)); commits++ };
        ready = 1
     fi;
     found = 0
  od
}

/* One look: `seen` is the number of the perform that waits, 0 if there is none; `at` is the ghost's count. */
inline look(seen, at) {
  seen = 0; count = 0;
  buffer[me]!MARK, 1;
#ifndef NO_FENCE
  empty(buffer[me]);
  empty(buffer[PERFORMER]);
#endif
#ifdef COUNT_FIRST
  count = memory[COUNT];
#endif
  atomic {
    found = memory[WORD]; at = commits;
#ifdef NO_WORD
    isWaiting = 1
#else
    isWaiting = state(found) == WAITING
#endif
  };
  if
  :: isWaiting ->
#ifndef COUNT_FIRST
     count = memory[COUNT];
#endif
#ifdef EARLY_END
     buffer[me]!MARK, 0;
#endif
     if
     :: count > 0 ->
        seen = number(found);
        place = memory[PLACE];
        assert(memory[CELL + place] == seen);
        if
        :: count == 2 -> assert(place == 1); assert(memory[CELL + place + 1] == seen)
        :: else -> assert(place == 0)
        fi
     :: else
     fi
  :: else
  fi;
  count = 0; place = 0; found = 0; isWaiting = 0;
  buffer[me]!MARK, 0;
  empty(buffer[me])                          /* to unlock is an exchange at the next reader's */
}

inline lock() {
#ifndef NO_LOCK
  atomic { !locked -> locked = 1 }
#else
  skip
#endif
}

inline unlock() {
#ifndef NO_LOCK
  locked = 0
#else
  skip
#endif
}

proctype Reader(byte me) {
  byte first, second, before, after, found, place, count;
  bool isWaiting;
  lock(); look(first, before); unlock();
  lock(); look(second, after); unlock();
  if
#ifdef NO_EPOCH
  :: first > 0 && second > 0 -> assert(before == after)
#else
  :: first > 0 && first == second -> assert(before == after)
#endif
  :: else
  fi
}

init {
  atomic {
    memory[WORD] = word(COMMITTED, 0);
    run Memory(0); run Memory(1); run Memory(PERFORMER);
    run Performer(); run Committer();
    run Reader(0); run Reader(1)
  }
}
