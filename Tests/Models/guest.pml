/*
 * A run that is the guest of an event loop: Scheduling/Guest.swift, Scheduling/GuestHelper.swift.
 *
 * Modelled: the loop, which runs posted turns and then ends; the helper, which sleeps for the run; the run, of up to
 * three stretches, each of which ends in a sleep, in giving way, or for good. A sleep may end by itself, or need to be
 * woken. The loop ends in one of two ways: it refuses turns from some instant on, and runs what has been posted; or its
 * code calls finish, and turns that were posted before come late.
 *
 * Left out: the run's own workers, and how the helper is given its order.
 *
 * Properties: at most one thread is on the run's stack; none after its end; the run ends (an end state that is not valid otherwise).
 * -DNO_CLAIM: a turn goes on without a look at the state. -DEARLY: the state says that the run sleeps while it is on its
 * stack. -DNO_WAKE: finish does not wake the helper. -DLATE: the turn is posted before the state says that it is due.
 * -DNO_ALONE: a thread that is refused a turn does not go on with the run.
 */
#define DUE      0
#define RUNNING  1
#define SLEEPING 2
#define ENDED    3

byte state = DUE;
byte posted = 1;
byte inside;                                  /* threads on the run's stack */
byte stretches;
bool hasEnded, hasOrder, needsWaking, isWoken, isAlone;
bool isOpen = true, refuses, isFinishing;

inline claim(mine) {
  atomic {
    mine = (state == DUE);
    if
    :: mine -> state = RUNNING
    :: else
    fi
  }
}

inline runOn() {
  assert(!hasEnded);
  inside++;
  assert(inside == 1);
  do
  :: isAlone || stretches == 3 -> inside--; hasEnded = true; state = ENDED; break
  :: !isAlone && stretches < 3 ->
     stretches++;
     if
     :: isWoken = false;
        if
        :: needsWaking = true
        :: needsWaking = false
        fi;
#ifdef EARLY
        state = SLEEPING; hasOrder = true; inside--;
#else
        inside--; state = SLEEPING; hasOrder = true;
#endif
        break
     :: inside--; callBack(); break
     :: inside--; hasEnded = true; state = ENDED; break
     fi
  od
}

/* Sets `goesOn` if the caller is to go on with the run. */
inline callBack() {
  goesOn = false;
#ifndef LATE
  state = DUE;
#endif
  if
  :: isFinishing -> skip
  :: atomic { !isFinishing && (isOpen || !refuses) -> posted++ }
  :: !isFinishing && !isOpen && refuses -> goesOn = true
  fi;
#ifdef LATE
  state = DUE;
#endif
}

inline takeOver() {
  do
  :: goesOn ->
#ifdef NO_ALONE
     goesOn = false;
#else
     claim(goesOn);
     if
     :: goesOn -> goesOn = false; isAlone = true; runOn()
     :: else
     fi
#endif
  :: else -> break
  od
}

inline turn() {
  posted--;
  claim(mine);
#ifdef NO_CLAIM
  mine = true;
#endif
  if
  :: mine -> runOn(); takeOver()
  :: else
  fi
}

active proctype loop() {
  bool mine, goesOn;
  do
  :: posted > 0 -> turn()
  :: posted == 0 && (refuses || state == ENDED) -> goto ended
  :: !refuses && state != ENDED -> isOpen = false; break
  od;
  isFinishing = true;
  do
  :: state == ENDED -> break
  :: else ->
     claim(mine);
     if
     :: mine -> goesOn = false; isAlone = true; runOn(); break
     :: !mine && state == SLEEPING ->
#ifndef NO_WAKE
        isWoken = true
#else
        (state != SLEEPING)
#endif
     :: !mine && state != SLEEPING
     fi
  od;
  do                                          /* what was posted before */
  :: posted > 0 -> turn()
  :: posted == 0 -> break
  od;
ended:
  skip
}

/* Has the loop refuse what is posted from now on; it ends when it has run the rest. */
active proctype closer() {
  if
  :: atomic { isOpen -> isOpen = false; refuses = true }
  :: skip
  fi
}

active proctype helper() {
  bool goesOn;
end:
  do
  :: hasOrder ->
     hasOrder = false;
     if
     :: !needsWaking                          /* the time is up */
     :: isWoken                               /* by finish, or by a fiber's waker */
     fi;
     callBack();
     takeOver()
  od
}

/* A partner of a fiber. It may be the loop's other code, so that none comes when finish has been called. */
active proctype waker() {
end:
  do
  :: atomic { (isOpen || refuses) && state == SLEEPING && !isWoken -> isWoken = true }
  od
}

active proctype ends() { state == ENDED }
