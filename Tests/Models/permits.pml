/*
 * Permits that are taken and given back without the lock while nobody waits: PermitQueue.swift (exchange, take, wait,
 * give, settle, close, open).
 *
 * Modelled: two permits; one performer that asks for both, and may be cancelled while it waits, so smaller requests
 * behind it must be let in; others that ask for one, twice each. Loads and stores are single steps, so the holder of the
 * lock who changes a word that is not closed is caught.
 *
 * Left out: the memory model (every exchange acquires and releases); watchers (they close the word as waiters do).
 * Properties: no more permits are held than there are; nobody takes one past a waiter; none waits for as many as are
 * free, unless somebody withdraws; at rest all performers have ended, all permits are free, and the word is open.
 * -DNO_CLOSE: the holder of the lock does not close the word. -DOPEN_ALWAYS: it opens the word though somebody waits.
 * -DNO_SETTLE: a removal is not settled.
 */
#ifndef PERFORMERS
#define PERFORMERS 3
#endif
#define PERMITS 2
#define wants(id) (id == 0 -> 2 : 1)
#define isClosed(value) (value % 2 == 1)

byte word = 2 * PERMITS, held, ended;
bool locked, granted[PERFORMERS], isGone[PERFORMERS], isQueued[PERFORMERS];
chan queue = [PERFORMERS] of { byte };

inline close() {
  atomic { !locked -> locked = 1 };
#ifdef NO_CLOSE
  skip
#else
  d_step { if :: !isClosed(word) -> word++ :: else fi }
#endif
}

inline open() {
#ifdef OPEN_ALWAYS
  word = word / 2 * 2;
#else
  if
  :: empty(queue) -> word = word / 2 * 2
  :: nempty(queue)
  fi;
#endif
  locked = 0
}

/* Under the lock: a load, then a store. */
inline add(difference) {
  seen = word;
  word = seen + 2 * difference
}

inline settle() {
  do
  :: queue?[first] ->
     queue?<first>;
     if
     :: wants(first) <= word / 2 ->
        queue?first; isQueued[first] = 0;
        if
        :: atomic { !isGone[first] -> granted[first] = 1 }; add(-wants(first))
        :: isGone[first]
        fi
     :: else -> break
     fi
  :: empty(queue) -> break
  od
}

proctype Performer(byte id) {
  byte seen, first, round;
  bool wasCancelled;
again:
  seen = word;
  do
  :: !isClosed(seen) && seen / 2 >= wants(id) ->
     if
     :: atomic { word == seen -> word = seen - 2 * wants(id); assert(empty(queue)) }; goto owner
     :: atomic { word != seen -> seen = word }
     fi
  :: else -> break
  od;
  close();
  if
  :: word / 2 >= wants(id) && empty(queue) ->
     add(-wants(id));
     open();
     goto owner
  :: else ->
     queue!id; isQueued[id] = 1;
     locked = 0
  fi;
  if
  :: atomic { granted[id] -> granted[id] = 0; goto owner }
  :: atomic { id == 0 && !wasCancelled && !granted[id] -> isGone[id] = 1 }
  fi;
  wasCancelled = 1;
  atomic { !locked -> locked = 1 };
  if
  :: isQueued[id] -> queue??eval(id); isQueued[id] = 0
  :: else
  fi;
  locked = 0;
#ifndef NO_SETTLE
  close();
  settle();
  open();
#endif
  isGone[id] = 0;
  goto next;
owner:
  skip;
  d_step { held = held + wants(id); assert(held <= PERMITS); seen = 0; first = 0 };
  d_step { held = held - wants(id); seen = word };
  do
  :: !isClosed(seen) ->
     if
     :: atomic { word == seen -> word = seen + 2 * wants(id); break }
     :: atomic { word != seen -> seen = word }
     fi
  :: isClosed(seen) ->
     close();
     add(wants(id));
     settle();
     open();
     break
  od;
next:
  skip;
  d_step {
    if
    :: !locked && nempty(queue) && !isGone[0] ->
       queue?<first>; assert(wants(first) > word / 2)
    :: else
    fi;
    first = 0; seen = 0;
    round++
  };
  if
  :: round < 2 && id > 0 -> goto again
  :: else -> ended++
  fi
}

init {
  byte id;
  atomic {
    do
    :: id < PERFORMERS -> run Performer(id); id++
    :: else -> break
    od
  };
  timeout -> assert(ended == PERFORMERS && word == 2 * PERMITS && !locked)
}
