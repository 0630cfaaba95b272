//! The validator that asks nobody: it sets the mean, by stake, of the weights it can read.

use futures::StreamExt;
use tensor_chain::Subtensor;
use tensor_core::chain::{At, Chain};
use tensor_core::drive::WeightSetter;
use tensor_core::key::Keypair;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid, Weights};

/// Copies once an epoch, in its second half, when the others' weights of the epoch are there to read.
pub(super) async fn run(
    chain: impl Chain + WeightSetter,
    subtensor: Subtensor,
    key: Keypair,
    netuid: NetUid,
) {
    let me = Hotkey::new(key.account_id());
    let mut headers = chain.headers();
    let mut done = None;
    while let Some(header) = headers.next().await {
        let Ok(header) = header else { continue };
        let Ok(graph) = chain.metagraph(netuid, At::Hash(header.hash)).await else { continue };
        let since = header.number.since(graph.last_epoch());
        let due = since.saturating_mul(2) >= u64::from(graph.tempo().value());
        if !due || done == Some(graph.last_epoch()) {
            continue;
        }
        let Some(own) = graph.uid_of(&me) else { continue };
        let stakes: Vec<f64> = graph.total_stake().iter().map(|alpha| alpha.rao() as f64).collect();
        if let Some(weights) = readable(&subtensor, netuid, header.number, own, &stakes).await
            && chain.set_weights(netuid, &weights, &key).await.is_ok()
        {
            done = Some(graph.last_epoch());
        }
    }
}

/// What others have set, weighed by their stake; `None` while there is nothing.
async fn readable(
    subtensor: &Subtensor,
    netuid: NetUid,
    at: BlockNumber,
    own: Uid,
    stakes: &[f64],
) -> Option<Weights> {
    let chain = subtensor.at(At::Number(at));
    let rows = chain.weights(netuid, MechId::new(0)).await.ok()?;
    let mut means = vec![0.0; stakes.len()];
    for row in rows.iter().filter(|row| row.uid != own) {
        let sum: f64 = row.values.iter().map(|(_, value)| f64::from(*value)).sum();
        let stake = stakes.get(usize::from(row.uid.value())).copied().unwrap_or(0.0);
        for (uid, value) in &row.values {
            if let Some(mean) = means.get_mut(usize::from(uid.value()))
                && sum > 0.0
            {
                *mean += stake * f64::from(*value) / sum;
            }
        }
    }
    let scores = (0u16..).map(Uid::new).zip(means).filter(|(_, mean)| *mean > 0.0);
    let weights = Weights::from_scores(scores).ok()?;
    (!weights.is_empty()).then_some(weights)
}
