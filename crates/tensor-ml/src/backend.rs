//! The runtimes behind [`Backend`](crate::Backend), one module and one feature each.

#[cfg(feature = "ort")]
pub mod ort;
#[cfg(feature = "rten")]
pub mod rten;
