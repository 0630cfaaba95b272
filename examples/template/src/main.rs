//! Thirty days of this subnet against lazy, copying and colluding miners: who would earn what.

use std::sync::Arc;

use tensor_examples::rehearsal::Rehearsal;
use tensor_template::{Checker, miner};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let play = Rehearsal::default().play(Checker::new, Arc::new(miner()));
    print!("{}", futures::executor::block_on(play)?.table());
    Ok(())
}
