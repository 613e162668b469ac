/*
 * The lock of a run queue: Sources/NurseryCore/Support/BiasedLock.swift.
 *
 * Modelled: the owner's lockAsOwner (with the contended loop) and unlockAsOwner, two thieves' tryLockAsThief and
 * unlockAsThief, and a word of data under the lock. The machine has total store order (x86-64): a plain store goes to
 * the end of the processor's store buffer and reaches memory at any later time; a load sees its own processor's buffer
 * first; a compare-exchange waits until that buffer is empty. The light fence only stops the compiler. The heavy fence
 * makes every other processor execute a barrier: its caller goes on once each other buffer has been empty at some
 * moment.
 *
 * Left out: further reorderings of weaker machines (there both fences are full ones, or membarrier pairs with a
 * compiler barrier as here). The pauses in the loops are blocking guards here, so starvation is not checked. Owner and
 * thieves repeat for ever; data is counted modulo 4. The buffers hold four stores: a processor that is ahead by more
 * than one critical section waits.
 *
 * Properties: never two threads inside; a thread inside reads the last value that was written inside; no deadlock.
 * -DNO_FENCE: the thief omits the heavy fence; spin finds the violation.
 */
#define OWNER 0
#define BUSY  0
#define THIEF 1
#define DATA  2

byte memory[3];
chan buffer[3] = [4] of { byte, byte };      /* address, value */
byte inside;                                 /* ghost: how many are inside */
byte truth;                                  /* ghost: the value last written inside */

#define drained(p) empty(buffer[p])

proctype Memory(byte p) {
  byte address, value;
end:
  do
  :: atomic { buffer[p]?address, value -> memory[address] = value; address = 0; value = 0 }
  od
}

/* Reads and writes the data; `value` is what this processor sees: its own youngest store, or memory. */
inline critical() {
  atomic { inside++; assert(inside == 1) };
  atomic {
    if
    :: buffer[me]??[DATA, value] -> value = mine
    :: else -> value = memory[DATA]
    fi;
    assert(value == truth);
    mine = (value + 1) % 4; truth = mine; value = 0;
    buffer[me]!DATA, mine
  };
  inside--
}

active proctype Owner() {
  byte me = OWNER, value, mine;
  do
  :: buffer[me]!BUSY, 1;
     do
     :: memory[THIEF] == 0 -> break
     :: memory[THIEF] != 0 ->
        buffer[me]!BUSY, 0;
        memory[THIEF] == 0;
        buffer[me]!BUSY, 1
     od;
     critical();
     buffer[me]!BUSY, 0
  od
}

proctype Thief(byte me) {
  byte value, mine, other;
  do
  :: atomic {
       drained(me);
       if
       :: memory[THIEF] == 0 -> memory[THIEF] = 1
       :: else -> goto again                 /* another thief holds it */
       fi
     };
#ifndef NO_FENCE
     drained(OWNER);
     drained(3 - me);
#endif
     memory[BUSY] == 0;
     critical();
     buffer[me]!THIEF, 0;
again: skip
  od
}

init {
  atomic { run Thief(1); run Thief(2); run Memory(0); run Memory(1); run Memory(2) }
}
