//! Metagraphs as text: a versioned JSON document to keep, a CSV table to look at elsewhere.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Metagraph, MetagraphError, Neuron};
use crate::network::{BlockNumber, NetUid, Tempo};

/// The version of the document that this crate writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    netuid: NetUid,
    block: BlockNumber,
    tempo: Tempo,
    last_epoch: BlockNumber,
    neurons: Vec<Neuron>,
}

impl Metagraph {
    /// The metagraph as a JSON document; [`Metagraph::from_json`] reads it back.
    pub fn to_json(&self) -> String {
        let document = Document {
            version: VERSION,
            netuid: self.netuid,
            block: self.block,
            tempo: self.tempo,
            last_epoch: self.last_epoch,
            neurons: self.neurons().collect(),
        };
        // Maps have text keys and nothing is skipped: there is nothing in it that JSON cannot say.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// Reads a document that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`LoadError`] when it is none, or of a version that this crate does not know.
    pub fn from_json(text: &str) -> Result<Self, LoadError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(LoadError::Version(version));
        }
        let document: Document = serde_json::from_str(text)?;
        let Document { netuid, block, tempo, last_epoch, neurons, .. } = document;
        Ok(Self::new(netuid, block, tempo, neurons)?.with_last_epoch(last_epoch))
    }

    /// The neurons as a CSV table with a header: amounts in rao, shares of 65,535.
    pub fn to_csv(&self) -> String {
        let mut table = String::from(
            "uid,hotkey,coldkey,axon,active,validator_permit,alpha_stake,tao_stake,total_stake,\
             incentive,dividends,consensus,validator_trust,emission,last_update,registered_at\n",
        );
        for neuron in self.neurons() {
            let axon = neuron.axon.and_then(|axon| axon.address());
            let axon = axon.map(|address| address.to_string()).unwrap_or_default();
            // Writing to a string does not fail.
            let _ = writeln!(
                table,
                "{},{},{},{axon},{},{},{},{},{},{},{},{},{},{},{},{}",
                neuron.uid,
                neuron.hotkey,
                neuron.coldkey,
                neuron.active,
                neuron.validator_permit,
                neuron.alpha_stake.rao(),
                neuron.tao_stake.rao(),
                neuron.total_stake.rao(),
                neuron.incentive.bits(),
                neuron.dividends.bits(),
                neuron.consensus.bits(),
                neuron.validator_trust.bits(),
                neuron.emission.rao(),
                neuron.last_update,
                neuron.registered_at,
            );
        }
        table
    }
}

/// Why a document is no metagraph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not the JSON that it should be.
    #[error("the document is no metagraph")]
    Json(#[from] serde_json::Error),
    /// It is of another version.
    #[error("the document has version {0}, this crate reads version {VERSION}")]
    Version(u32),
    /// Its neurons contradict each other.
    #[error(transparent)]
    Neurons(#[from] MetagraphError),
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graph, neurons};
    use super::*;
    use crate::metagraph::AxonInfo;

    fn sample() -> Metagraph {
        let mut neurons = neurons(&[1, 2]);
        neurons[1].axon = Some(AxonInfo::new("[2001:db8::1]:80".parse().unwrap(), 3));
        neurons[1].emission = crate::Alpha::from_rao(u64::MAX);
        graph(9, neurons).with_last_epoch(BlockNumber::new(5))
    }

    #[test]
    fn documents_read_back() {
        let graph = sample();
        assert_eq!(Metagraph::from_json(&graph.to_json()).unwrap(), graph);
        let newer = graph.to_json().replacen("\"version\":1", "\"version\":2", 1);
        assert!(matches!(Metagraph::from_json(&newer), Err(LoadError::Version(2))));
        assert!(matches!(Metagraph::from_json("{}"), Err(LoadError::Json(_))));
    }

    #[test]
    fn tables_have_a_row_for_each_neuron() {
        let table = sample().to_csv();
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), 3);
        let columns = rows[0].split(',').count();
        assert!(rows.iter().all(|row| row.split(',').count() == columns), "{table}");
        assert!(rows[2].contains("[2001:db8::1]:80") && rows[2].contains("18446744073709551615"));
    }
}
