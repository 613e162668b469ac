/*
 * Certainty of a deadlock: Diagnostics/Scheduler+Deadlock.swift, PlainThread+Parked.swift, and `wakeEpoch` in
 * Scheduling/WorkerTable.swift.
 *
 * Modelled: two workers, a plain thread that sleeps in operations (`parkings` is odd while it does), and a foreign
 * thread of unknown behaviour, which ends. Each thread that is awake may call any other, CALLS times in all. A call
 * stands for each way to make a fiber or thread ready. Then the thread falls asleep, or, if it is the foreign thread,
 * ends; with -DSTARTS it may also start the foreign thread. Worker 0 looks for a deadlock whenever it sleeps and has not
 * been called; timeLock excludes looks by worker 1. The look reads its words one by one, in any order within its first
 * and third step.
 *
 * Abstractions. Memory is sequentially consistent: the words that the look reads are written by read-modify-writes and
 * read by acquiring loads. A plain thread that is called increments its `parkings` before it takes the call. Counters
 * would grow without bound; instead a flag is cleared at the first reading and set by each thread that increments the
 * counter.
 *
 * Property: if the look is certain of a deadlock, all threads sleep and none has been called.
 * -DNO_CALLED, -DNO_SECOND, -DNO_COUNT: the look omits the calls, the second reading of wakeEpoch and parkings, or the
 * number of threads.
 * -DCOUNT_LAST: it reads that number at the end.
 */
#ifndef CALLS
#define CALLS 3
#endif
#define THREAD 2
#define FOREIGN 3

bool called[3];
bool parked;                                  /* parkings is odd */
byte sleepers, threads = 4, calls = CALLS;
bool rose, parkingsChanged;                   /* since the look began */
bool working[4];                              /* ghost: may wake a thread */
bool starts = 1;

inline callAny() {
  if
  :: atomic { calls > 0 -> calls--; called[0] = 1 }
  :: atomic { calls > 0 -> calls--; called[1] = 1 }
  :: atomic { calls > 0 -> calls--; called[2] = 1 }
#ifdef STARTS
  :: atomic { starts && !working[FOREIGN] && threads == 3 -> starts = 0; threads++; working[FOREIGN] = 1; run Foreign() }
#endif
  fi
}

inline look() {
  bool sure = 1;
  byte found = 0, seen = 0;
  rose = 0;                                                           /* 1 */
  sure = sleepers == 2;
  if
  :: sure -> atomic { parkingsChanged = 0; found = 2 + parked }
  :: else
  fi;
#if !defined(NO_COUNT) && !defined(COUNT_LAST)
  if :: sure -> sure = (threads == found) :: else fi;                 /* 2 */
#endif
#ifndef NO_CALLED
  do                                                                  /* 3 */
  :: sure && !(seen & 1) -> sure = !called[0]; seen = seen | 1
  :: sure && !(seen & 2) -> sure = !called[1]; seen = seen | 2
  :: sure && !(seen & 4) -> sure = !(parked && called[2]); seen = seen | 4
  :: !sure || seen == 7 -> break
  od;
#endif
#ifndef NO_SECOND
  if :: sure -> sure = !parkingsChanged :: else fi;                   /* 4 */
  if :: sure -> sure = !rose :: else fi;
#endif
#ifdef COUNT_LAST
  if :: sure -> sure = (threads == found) :: else fi;
#endif
  assert(!sure || !working[0] && !working[1] && !working[2] && !working[3] && !called[0] && !called[1] && !called[2]);
  sure = 0; found = 0; seen = 0
}

proctype Worker(byte me) {
awake:
  do
  :: callAny()
  :: break
  od;
  working[me] = 0;
  sleepers++;
end:
  do
  :: me == 0 && !called[0] -> look()
  :: called[me] -> break
  od;
  sleepers--;
  rose = 1;
  atomic { called[me] = 0; working[me] = 1 };
  goto awake
}

proctype Thread() {
awake:
  do
  :: callAny()
  :: break
  od;
  working[THREAD] = 0;
  atomic { parked = 1; parkingsChanged = 1 };
end:
  called[THREAD];
  atomic { parked = 0; parkingsChanged = 1 };
  atomic { called[THREAD] = 0; working[THREAD] = 1 };
  goto awake
}

proctype Foreign() {
  do
  :: callAny()
  :: break
  od;
  working[FOREIGN] = 0;
  threads--
}

init {
  atomic {
    working[0] = 1; working[1] = 1; working[2] = 1; working[3] = 1;
    run Worker(0); run Worker(1); run Thread(); run Foreign()
  }
}
