//! `ml bench`.

use clap::Args as ClapArgs;

use super::{Failure, Report};

/// Options of `bench`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Bench {}

impl Bench {
    pub(super) fn run(&self, _: &mut Report<'_>) -> Result<(), Failure> {
        Ok(())
    }
}
