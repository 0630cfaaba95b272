//! Yuma consensus, emission and pool maths of the Bittensor chain, bit for bit.
