//! Loops without a runtime: the chain's blocks are the clock.
