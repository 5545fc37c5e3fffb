/* The small protocol for Spin: a step an event, the same steps as in src/steps.rs.
 *
 * -DINVALIDATORS= -DWRITERS= -DFAULTS= give the tasks; -DNESTED_READ, -DSPLIT_END and -DNO_SEQ plant
 * a bug. A task that ends is a step of Spin's own and takes its locals with it; with -DSTAY it
 * stands at its end instead, and the states are those of the explicit search to the last one.
 * Spin itself reports a deadlock. */

#define TASKS (INVALIDATORS + WRITERS + FAULTS)

byte count, seq, spte, host, slots, readers, done;
bit writing, queued, mmu_lock, slots_lock;

/* With the last step of the last task: what is mapped is what the host has. */
inline finish() {
    done++;
    if
    :: done == TASKS -> assert(count == 0 && (spte == 0 || spte == host + 1))
    :: else
    fi
}

/* A queued writer holds back readers. */
inline down_read() {
    d_step { !writing && !queued -> readers++ }
}

inline lock_mmu() {
    d_step { !mmu_lock -> mmu_lock = 1 }
}

active [INVALIDATORS] proctype invalidator() {
    down_read();
    lock_mmu();
    d_step { count++; spte = 0; mmu_lock = 0 }
#ifdef NESTED_READ
    down_read();
#endif
    host++;
#ifdef NESTED_READ
    readers--;
#endif
    lock_mmu();
#ifdef SPLIT_END
    d_step { count--; mmu_lock = 0 }
    lock_mmu();
    d_step { seq++; mmu_lock = 0 }
#else
    d_step { seq++; count--; mmu_lock = 0 }
#endif
    d_step { readers--; finish() }
#ifdef STAY
end: false
#endif
}

active [WRITERS] proctype writer() {
    d_step { !slots_lock -> slots_lock = 1 }
    queued = 1;
    d_step { !writing && readers == 0 -> queued = 0; writing = 1 }
    d_step { slots++; writing = 0 }
    d_step { slots_lock = 0; finish() }
#ifdef STAY
end: false
#endif
}

active [FAULTS] proctype fault() {
    byte snapshot, pfn;
    snapshot = seq;
    pfn = host + 1;
    lock_mmu();
    d_step {
        if
#ifdef NO_SEQ
        :: count == 0 -> spte = pfn
#else
        :: count == 0 && seq == snapshot -> spte = pfn
#endif
        :: else
        fi;
        mmu_lock = 0;
        finish()
    }
#ifdef STAY
end: false
#endif
}
