//! A disk that fills up, at whatever write: nothing that was announced is lost, and the chain says why it
//! stands still.

use std::io::{Error, ErrorKind};
use std::path::Path;

use redb::{Database, StorageBackend};

use super::{DataDir, DurableError};
use crate::local::pool::PoolError;
use crate::local::{LocalChain, LocalChainError};

/// A file in memory, on a disk with room for so many more writes.
#[derive(Debug, Clone, Default)]
struct Disk {
    file: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
    room: std::sync::Arc<std::sync::Mutex<usize>>,
}

impl Disk {
    fn open(&self) -> Result<DataDir, DurableError> {
        let path = Path::new("/the/disk");
        let database = Database::builder().create_with_backend(self.clone());
        DataDir::of(path, database.map_err(|error| super::error::at(path, error))?)
    }

    fn make_room(&self, writes: usize) {
        *self.room.lock().unwrap() = writes;
    }

    fn take_room(&self) -> Result<(), Error> {
        let mut room = self.room.lock().unwrap();
        *room = room.checked_sub(1).ok_or_else(|| Error::from(ErrorKind::StorageFull))?;
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.file.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = usize::try_from(offset).unwrap();
        let file = self.file.lock().unwrap();
        let from = file.get(offset..offset + out.len());
        out.copy_from_slice(from.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.take_room()?;
        self.file.lock().unwrap().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.take_room()?;
        let offset = usize::try_from(offset).unwrap();
        self.file.lock().unwrap()[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn live(disk: &Disk) -> Result<LocalChain, DurableError> {
    LocalChain::builder().open(disk.open()?)
}

#[test]
fn a_full_disk_costs_the_block_in_flight() {
    let disk = Disk::default();
    disk.make_room(usize::MAX);
    let chain = live(&disk).unwrap();
    chain.advance(3);
    let mut known = 3;
    let (mut chain, mut halts) = (Some(chain), 0);
    for writes in 0..40 {
        let running = match chain.take() {
            Some(chain) => chain,
            None => live(&disk).unwrap(),
        };
        assert_eq!(running.block_number(), known, "before a disk with room for {writes} writes");
        assert!(running.invariants().hold());
        disk.make_room(writes);
        running.advance(50);
        if let Some(error) = running.failure() {
            assert!(matches!(&*error, DurableError::Full { .. }), "{error:?}");
            halts += 1;
        } else {
            panic!("fifty blocks in {writes} writes");
        }
        // What was announced stays; the block that failed left no trace.
        known = running.block_number();
        let head = running.block_hash(known);
        running.advance(1);
        assert_eq!((running.block_number(), running.block_hash(known)), (known, head));
        assert!(matches!(running.submit(&[]), Err(PoolError::Halted)));
        assert!(matches!(running.advance_to_epoch(1), Err(LocalChainError::Halted)));
        drop(running);
        disk.make_room(usize::MAX);
        let again = live(&disk).unwrap();
        assert_eq!((again.block_number(), again.block_hash(known)), (known, head));
        chain = Some(again);
    }
    assert_eq!(halts, 40);
    assert!(known > 3, "no block at all fitted");
}
