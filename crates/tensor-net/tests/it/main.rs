//! What the crate does as seen from outside.

mod btauth_vectors;
