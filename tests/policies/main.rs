//! Who gets a lock, who waits and who is never woken: the primitives of the machine on tiny
//! programs, and the nested region under each rwsem policy.

mod locks;
mod nested;
mod points;
mod program;
mod rcuwait;
mod rwsem;
mod srcu;
