//! Signed HTTP between Bittensor validators and miners.
