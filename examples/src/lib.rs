//! What the programs in this package share.
