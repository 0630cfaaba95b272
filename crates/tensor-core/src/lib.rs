//! Vocabulary, keys, wallets and traits of Bittensor programs, without a runtime.
