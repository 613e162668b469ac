/*
 * The commit protocol of choices: Operations/Claim.swift (beginEnlisting ... takeWhileClaimed), WaitQueue.swift
 * (claimFirst), Performance.swift (commit, poll, enlistAndPark, parkUnlessCancelled, withdraw),
 * Channel+Send/Receive.swift (the attempts), and the mark and interrupt of Cancellation/ScopeRecord+Cancel.swift.
 *
 * Modelled: two or three fibers, each with PERFORMS performs of a choice of two branches on unbuffered channels, in
 * either order. A canceller comes at any time or never, and cancels the first fiber or all. A fiber's number is its
 * address.
 *   (default)  two fibers, channels X and Y:      0: send X | receive Y     1: receive X | send Y
 *   -DTHREE    a third fiber that competes:       2: receive X | send Y
 *   -DRING     three fibers, three channels:      0: send X | receive Y     1: receive X | send Z     2: send Y | receive Z
 *   -DSELF     both ends of one channel in each:  0, 1: send X | receive X
 *
 * Abstractions. A queue is a set: claimFirst takes any candidate, which includes the first. A critical section, or a
 * part of it, is one atomic step if at most one of its steps is visible without the lock (Lipton's reduction). A load
 * and its compare-exchange are one step, because a failed compare-exchange is retried and changes nothing. A spinning
 * loop is a blocking guard, so a deadlock of spinning fibers is an invalid end state. A poll may find nothing, because
 * a receive may skip the lock. Memory is sequentially consistent; mark.pml checks the mark and the claim word on a real
 * machine. Left out: buffers; close and timers, which commit from outside as the canceller does, under one lock;
 * values; scopes that open and close meanwhile; single sends and receives, which are choices with a second branch that
 * finds nothing, without the poll.
 *
 * Properties. A rendezvous commits both performs or none, and both agree on channel and direction (sent == received at
 * the end, and each perform is committed at most once). A perform that reports its cancellation was not committed by a
 * partner. A makeReady finds a performer that is committed, has not been made ready, and parks. No offer is linked once
 * a perform has ended. There is no deadlock. At rest no parked fiber is committed, cancelled, or able to meet another
 * parked fiber. With -DNP, built without -DSAFETY: no livelock.
 * -DNO_STEP_BACK, -DNO_OWN_CLAIM and -DNO_SECOND_CHECK each leave a part of the protocol out; spin finds the flaw.
 */
#ifndef PERFORMS
#define PERFORMS 1
#endif
#ifdef RING
#define channelOf(p, k) ((p) == 0 -> (k) : ((p) == 1 -> 2 * (k) : (k) + 1))
#define receives(p, k)  ((p) == 1 -> 1 - (k) : (k))
#elif defined(SELF)
#define channelOf(p, k) 0
#define receives(p, k)  (k)
#else
#define channelOf(p, k) (k)
#define receives(p, k)  ((p) == 0 -> (k) : 1 - (k))
#endif
mtype:claim = { idle, waiting, claimed, committed }
#define NOBODY 2                              /* as winner: the cancellation */
#define POLL 0
#define ENLIST_ALONE 1
#define ENLIST 2                              /* published */

mtype:claim word[3] = idle;                   /* the claim words */
byte linked[3];                               /* bit set of the branches with a linked offer */
byte winner[3];
bool ready[3], cancelled[3];
bool locked[3];                               /* the channels' locks */
bool performing[3], parked[3], dealt[3];      /* ghosts */
byte sent[3], received[3];                    /* ghosts, by channel: what the performers believe */
#ifdef NP
byte looking[3];                              /* ghost: the performer whose word a claimed one reads, plus 1 */
#define look(at) looking[me] = at
/* cs_pause, assumed long enough for a performer that spins on this word to read it once. */
#ifdef NO_PAUSE
#define pause skip
#else
#define pause word[me] != waiting || looking[0] != me + 1 && looking[1] != me + 1 && looking[2] != me + 1
#endif
#else
#define look(at) skip
#define pause skip
#endif

/* Branch j of p can meet branch k of q. */
#define meets(p, j, q, k) (p != q && (linked[q] & (1 << k)) && channelOf(p, j) == channelOf(q, k) && receives(p, j) != receives(q, k))
#define candidate(q, k) meets(me, branch, q, k) -> partner = q; theirs = k
#define lock locked[channelOf(me, branch)]
#define unlink linked[partner] = linked[partner] & ~(1 << theirs)

inline makeReady(p) { assert(performing[p] && word[p] == committed && !ready[p]); ready[p] = 1 }
inline deal(p) { assert(!dealt[p]); dealt[p] = 1 }
inline withdraw(k) { atomic { !locked[channelOf(me, k)] -> linked[me] = linked[me] & ~(1 << k) } }

proctype Performer(byte me) {
  byte performs, branch, first, stage, partner, theirs;
begin:
  atomic {
    performing[me] = 1; dealt[me] = 0; stage = POLL;
    if :: branch = 0 :: branch = 1 fi;
    first = branch;
    if
    :: cancelled[me] -> winner[me] = NOBODY; goto ended
    :: !cancelled[me] -> goto enlistAlone     /* the poll found nothing */
#ifndef NO_POLL
    :: !cancelled[me]
#endif
    fi
  };
attempt:
  atomic {
    !lock -> lock = 1;
walk:
    if
    :: candidate(0, 0) :: candidate(0, 1) :: candidate(1, 0) :: candidate(1, 1) :: candidate(2, 0) :: candidate(2, 1)
    :: else ->
       if
       :: stage != POLL -> linked[me] = linked[me] | (1 << branch)
       :: else
       fi;
       if
       :: stage == ENLIST_ALONE -> word[me] = waiting
       :: else
       fi;
       lock = 0;
       goto pending
    fi;
claimSelf:                                    /* claim(partner, published:) */
    if
#ifdef NO_OWN_CLAIM
    :: stage == ENLIST && word[me] == waiting
#else
    :: stage == ENLIST && word[me] == waiting -> word[me] = claimed; look(partner + 1)
#endif
    :: stage == ENLIST && word[me] != waiting -> partner = 0; theirs = 0; lock = 0; goto park    /* lost */
    :: stage != ENLIST
    fi
  };
  atomic {                                    /* takeWhileClaimed, or the partner's commit() */
    if
    :: word[partner] == waiting -> word[partner] = committed; look(0); deal(partner); deal(me)
    :: word[partner] == committed || word[partner] == idle -> look(0); goto gone
#ifndef NO_STEP_BACK
    :: stage == ENLIST && word[partner] == claimed && me > partner -> look(0); goto stepBack
#endif
    fi
  };
  atomic {
    if :: stage == ENLIST -> word[me] = committed :: else fi;
    unlink; lock = 0
  };
  atomic { winner[partner] = theirs; makeReady(partner); winner[me] = branch; partner = 0; theirs = 0 };
  if
  :: stage == ENLIST_ALONE -> word[me] = committed            /* endEnlisting */
  :: else
  fi;
  goto leave;
gone:
  atomic {
    if :: stage == ENLIST -> word[me] = waiting :: else fi;
    unlink; goto walk
  };
stepBack:
  word[me] = waiting;
  atomic { pause; goto claimSelf };
pending:
  atomic {
    if
    :: stage == POLL && branch == first -> branch = 1 - first; goto attempt
    :: stage == POLL && branch != first ->
enlistAlone:
       branch = first; stage = ENLIST_ALONE; word[me] = claimed; goto attempt      /* beginEnlisting */
    :: stage == ENLIST_ALONE -> branch = 1 - first; stage = ENLIST; goto attempt
    :: stage == ENLIST
    fi
  };
#ifndef NO_SECOND_CHECK
  atomic {
    if
    :: cancelled[me] && word[me] == waiting -> word[me] = committed; winner[me] = NOBODY; goto leave
    :: else
    fi
  };
#endif
park:
  parked[me] = 1;
endParked:
  atomic { ready[me] -> ready[me] = 0; parked[me] = 0 };
leave:
  withdraw(0); withdraw(1);
ended:
progress:
  atomic {
    assert(linked[me] == 0 && !ready[me] && dealt[me] == (winner[me] != NOBODY));
    if
    :: winner[me] == NOBODY
    :: winner[me] != NOBODY && receives(me, winner[me]) -> received[channelOf(me, winner[me])]++
    :: winner[me] != NOBODY && !receives(me, winner[me]) -> sent[channelOf(me, winner[me])]++
    fi;
    performing[me] = 0; winner[me] = 0; branch = 0; first = 0; stage = 0; performs++;
    if :: performs < PERFORMS -> goto begin :: else fi
  }
}

active proctype Canceller() {
  byte p, end;
  atomic {                                    /* the mark: one scope */
    if :: end = 0 :: end = 1 :: end = 3 fi;
    do :: p < end -> cancelled[p] = 1; p++ :: else -> p = 0; break od
  };
  do                                          /* interrupt: commit() waits while the performer is claimed */
  :: atomic { p < end && word[p] == waiting -> word[p] = committed }; atomic { winner[p] = NOBODY; makeReady(p); p++ }
  :: atomic { p < end && (word[p] == idle || word[p] == committed) -> p++ }
  :: p == end -> break
  od
}

#define atRest(p) assert(!performing[p] || parked[p] && word[p] == waiting && !cancelled[p] && !ready[p])
#define apart(p, q) assert(!(meets(p, 0, q, 0) || meets(p, 0, q, 1) || meets(p, 1, q, 0) || meets(p, 1, q, 1)) || !performing[p])

active proctype Rest() {                      /* when no process can move */
  timeout ->
  d_step {
    atRest(0); atRest(1); atRest(2); apart(0, 1); apart(0, 2); apart(1, 2);
    assert(sent[0] == received[0] && sent[1] == received[1] && sent[2] == received[2])
  }
}

init {
  atomic {
    run Performer(0); run Performer(1);
#if defined(THREE) || defined(RING)
    run Performer(2)
#endif
  }
}
