//! Typed questions: [`ask`].

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tensor_core::miner::Synapse;
use tensor_core::transport::{Authenticity, Endpoint, Request, Transport, TransportError};
use tensor_core::{BoxError, Hotkey, Metagraph, Uid};

use super::answer::body_error;

/// An answer with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered<A> {
    /// What the axon answered.
    pub answer: A,
    /// Whether its hotkey signed the answer.
    pub authenticity: Authenticity,
}

/// Asks one axon and reads its answer, of at most [`ANSWER_BYTES`].
///
/// # Errors
/// [`AskError`]; [`AskError::peer`] says whom to blame.
pub async fn ask<S, T>(
    transport: &T,
    to: &Endpoint,
    synapse: &S,
    timeout: Duration,
) -> Result<Answered<S::Answer>, AskError>
where
    S: Synapse,
    T: Transport + ?Sized,
{
    let peer = to.hotkey;
    let body = serde_json::to_vec(synapse).map_err(|error| AskError::Question(error.into()))?;
    let request = Request::synapse(S::NAME, body).with_timeout(timeout);
    let transport_error = |source| AskError::Transport { peer, source };
    let response = transport.send(to, request).await.map_err(transport_error)?;
    let (status, authenticity) = (response.status, response.authenticity);
    let body = response.body.bytes(ANSWER_BYTES).await;
    let body = body.map_err(|error| transport_error(body_error(error)))?;
    if status != 200 {
        let message = serde_json::from_slice::<Message>(&body).unwrap_or_default().text();
        return Err(AskError::Refused { peer, status, message });
    }
    let malformed = |source: BoxError| AskError::Malformed { peer, source };
    let terminals = serde_json::from_slice::<Terminals>(&body).unwrap_or_default();
    if terminals.has_null() {
        // Official clients crash on these, so no honest axon sends them.
        return Err(malformed("the answer's axon or dendrite is null".into()));
    }
    let answer = serde_json::from_slice(&body).map_err(|error| malformed(error.into()))?;
    Ok(Answered { answer, authenticity })
}

/// Bytes of an answer that [`ask`] reads: 16 MiB.
pub const ANSWER_BYTES: usize = 16 << 20;

/// Why a typed question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The question itself is no JSON.
    #[error("the question cannot be written as JSON")]
    Question(#[source] BoxError),
    /// No response came, or none that can be read.
    #[error("no answer from {peer}")]
    Transport {
        /// Who was asked.
        peer: Hotkey,
        /// What went wrong.
        #[source]
        source: TransportError,
    },
    /// The axon refused, redirected or failed.
    #[error("{peer} answered with status {status}: {message}")]
    Refused {
        /// Who was asked.
        peer: Hotkey,
        /// The status.
        status: u16,
        /// What the axon says, cut to 500 characters.
        message: String,
    },
    /// The answer is not what the synapse's answer looks like.
    #[error("the answer of {peer} cannot be read")]
    Malformed {
        /// Who was asked.
        peer: Hotkey,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
}

impl AskError {
    /// Who is to blame, unless it is the question, or our own key or program.
    pub const fn peer(&self) -> Option<Hotkey> {
        match self {
            Self::Question(_) => None,
            Self::Transport { source, peer } => match source {
                TransportError::Sign(_) | TransportError::Unsendable(_) => None,
                _ => Some(*peer),
            },
            Self::Refused { peer, .. } | Self::Malformed { peer, .. } => Some(*peer),
        }
    }

    /// Who is to blame, by its slot on the subnet: as [`Self::peer`], and nothing for one that has none.
    pub fn uid(&self, graph: &Metagraph) -> Option<Uid> {
        graph.uid_of(&self.peer()?)
    }
}

/// The ways in which axons say why.
#[derive(Default, Deserialize)]
struct Message {
    message: Option<String>,
    detail: Option<serde_json::Value>,
}

impl Message {
    fn text(self) -> String {
        let detail = || self.detail.map(|detail| detail.to_string());
        let text = self.message.or_else(detail).unwrap_or_default();
        text.chars().take(500).collect()
    }
}

#[derive(Default, Deserialize)]
struct Terminals {
    #[serde(default, deserialize_with = "present")]
    axon: Option<Option<IgnoredAny>>,
    #[serde(default, deserialize_with = "present")]
    dendrite: Option<Option<IgnoredAny>>,
}

impl Terminals {
    const fn has_null(&self) -> bool {
        matches!((&self.axon, &self.dendrite), (Some(None), _) | (_, Some(None)))
    }
}

/// Tells null from absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<IgnoredAny>>, D::Error> {
    Option::<IgnoredAny>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::metagraph::Neuron;
    use tensor_core::{BlockNumber, Coldkey, NetUid, Tempo};

    #[test]
    fn the_peer_is_blamed_by_its_uid() {
        let hotkey = |byte| Hotkey::from_bytes([byte; 32]);
        let coldkey = Coldkey::from_bytes([9; 32]);
        let neurons = (0..3).map(|uid| Neuron::new(Uid::new(uid), hotkey(uid as u8), coldkey));
        let (netuid, block, tempo) = (NetUid::new(1), BlockNumber::new(1), Tempo::new(360));
        let graph = Metagraph::new(netuid, block, tempo, neurons).unwrap();
        let refused = |peer| AskError::Refused { peer, status: 403, message: String::new() };
        assert_eq!(refused(hotkey(2)).uid(&graph), Some(Uid::new(2)));
        assert_eq!(refused(hotkey(7)).uid(&graph), None);
        let source = TransportError::Unsendable("x".into());
        assert_eq!(AskError::Transport { peer: hotkey(2), source }.uid(&graph), None);
    }
}
