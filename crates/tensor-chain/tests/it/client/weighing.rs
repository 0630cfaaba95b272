//! Weights by every way, and across restarts.

use futures::executor::block_on;
use tensor_chain::Subtensor;
use tensor_chain::client::weights::keeper::{Health, Keeper, KeeperError};
use tensor_chain::client::{SetWeights, WeightsOutcome};
use tensor_core::{Hotkey, MechId, NetUid, Uid};

use super::story::{key, local, sound, subnet};

/// A folder that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tensor-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn scores(netuid: NetUid) -> SetWeights {
    SetWeights::from_scores(netuid, [(Uid::new(1), 0.5), (Uid::new(2), 1.0)])
}

#[test]
fn a_keeper_remembers_and_stays_alone() {
    block_on(async {
        let folder = Folder::new("keeper");
        let path = folder.0.join("weights.json");
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let owner = key("//owner");

        let mut keeper = Keeper::open(&path).unwrap();
        assert!(matches!(Keeper::open(&path), Err(KeeperError::InUse(_))));
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Stale { last: None });
        keeper.set(&client, &scores(netuid), &owner).await.unwrap();
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Good);
        let record = keeper.record().unwrap().clone();
        drop(keeper);

        let mut again = Keeper::open(&path).unwrap();
        assert_eq!(again.record(), Some(&record));
        // Two epochs later nobody has weighed anew: red.
        chain.advance(2 * u64::from(client.tempo(netuid).await.unwrap().value()) + 1);
        let health = again.health(&client).await.unwrap();
        assert_eq!(health, Health::Stale { last: Some(record.included) });
        assert!(health.is_red());
        drop(again);
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Keeper::open(&path), Err(KeeperError::Format { .. })));
        sound(&chain);
    });
}

#[test]
fn a_driver_sets_weights_through_the_pipeline() {
    use tensor_chain::intent::{SetHyperparameter, Sudo};
    use tensor_core::Weights;
    use tensor_core::chain::ChainError;
    use tensor_core::drive::WeightSetter;
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let owner = key("//owner");
        let weights = Weights::new([(Uid::new(1), 1), (Uid::new(2), 3)]).unwrap();
        let setter: &dyn WeightSetter = &client;
        let receipt = setter.set_weights(netuid, &weights, &owner).await.unwrap();
        assert!(receipt.event("SubtensorModule", "WeightsSet").is_some());
        let limit = SetHyperparameter::new(netuid, "weights_set_rate_limit", 100u64);
        client.execute(&Sudo(limit), &key("//Alice")).await.unwrap();
        let again = setter.set_weights(netuid, &weights, &owner).await.unwrap_err();
        let ChainError::Rejected { reason, retryable: true } = &again else { panic!("{again:?}") };
        assert!(reason.contains("from block"), "{reason}");
    });
}

/// The process dies after it sent, before it heard: the next one finds out what became of it.
#[cfg(feature = "testing")]
#[test]
fn a_keeper_that_died_in_the_middle_finds_what_it_sent() {
    use tensor_chain::local::Sealing;
    use tensor_chain::testing::{Fault, FaultyRpc};
    let folder = Folder::new("died");
    let chain = local();
    let client = block_on(Subtensor::local(&chain)).unwrap();
    let netuid = block_on(subnet(&client));
    chain.set_sealing(Sealing::Manual);
    let owner = key("//owner");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for (name, fault) in [("landed.json", None), ("lost.json", Some(Fault::Stalled))] {
        let path = folder.0.join(name);
        let rpc = FaultyRpc::new(&chain);
        rpc.script(fault);
        let mut config = tensor_chain::Config::default();
        config.era_period = 8;
        config.most_remembered = 0;
        let client = block_on(Subtensor::from_rpc_with(rpc.clone(), config)).unwrap();
        let mut keeper = Keeper::open(&path).unwrap();
        let scores = scores(netuid);
        let mut setting = Box::pin(keeper.set(&client, &scores, &owner));
        assert!(setting.as_mut().poll(&mut context).is_pending());
        drop(setting);
        drop(keeper);

        let mut keeper = Keeper::open(&path).unwrap();
        assert!(keeper.record().unwrap().pending);
        // Nobody can know yet, so nothing is sent a second time.
        let health = block_on(keeper.health(&client)).unwrap();
        assert!(matches!(health, Health::Waiting(_)), "{health:?}");
        let sent = rpc.asked("author_submitAndWatchExtrinsic");
        let outcome = block_on(keeper.set(&client, &scores, &owner)).unwrap();
        assert!(matches!(outcome, WeightsOutcome::TooSoon { .. }), "{outcome:?}");
        assert_eq!(rpc.asked("author_submitAndWatchExtrinsic"), sent);
        chain.advance(12);
        let health = block_on(keeper.health(&client)).unwrap();
        let record = keeper.record().unwrap();
        assert!(!record.pending);
        match fault {
            None => assert_eq!((health, record.confirmed), (Health::Good, Some(true))),
            Some(_) => assert!(matches!(health, Health::Lost { .. }), "{health:?}"),
        }
    }
}

#[cfg(not(feature = "timelock"))]
#[test]
fn without_the_feature_a_committing_subnet_is_refused() {
    use tensor_chain::Error;
    use tensor_chain::client::WeightsRefused;
    use tensor_chain::intent::{SetHyperparameter, Sudo};
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let on = SetHyperparameter::new(netuid, "commit_reveal_weights_enabled", true);
        client.execute(&Sudo(on), &key("//Alice")).await.unwrap();
        let refused = client.set_weights(&scores(netuid), &key("//owner")).await.unwrap_err();
        assert!(matches!(refused, Error::Weights(WeightsRefused::CommitsOnly)), "{refused:?}");
        sound(&chain);
    });
}

#[cfg(feature = "timelock")]
#[test]
fn a_commitment_opens_in_the_block_that_was_said() {
    use tensor_chain::client::weights::commit::Drand;
    use tensor_chain::intent::{SetHyperparameter, Sudo};
    use tensor_chain::timelock::Beacon;
    block_on(async {
        let folder = Folder::new("committer");
        let path = folder.0.join("weights.json");
        let chain = local();
        let beacon = Beacon::new(&[5; 32]);
        let mut config = tensor_chain::Config::default();
        config.drand = Drand::dangerous_with_key(beacon.public_key());
        let client = Subtensor::from_rpc_with(chain.rpc(), config).await.unwrap();
        let netuid = subnet(&client).await;
        let on = SetHyperparameter::new(netuid, "commit_reveal_weights_enabled", true);
        client.execute(&Sudo(on), &key("//Alice")).await.unwrap();
        let owner = key("//owner");
        let hotkey = Hotkey::new(owner.account_id());

        let mut keeper = Keeper::open(&path).unwrap();
        let outcome = keeper.set(&client, &scores(netuid), &owner).await.unwrap();
        let WeightsOutcome::Committed { weights, reveal_round, reveal_block, receipt, .. } =
            outcome
        else {
            panic!("{outcome:?}")
        };
        assert!(receipt.event("SubtensorModule", "TimelockedWeightsCommitted").is_some());
        // As if the process had died right after sending: the commitment is found by its round.
        drop(keeper);
        let noted = std::fs::read_to_string(&path).unwrap();
        let included = format!("\"included\": {}", receipt.block.value());
        let before = format!("\"included\": {}", receipt.block.value() - 1);
        let died = noted.replacen("\"pending\": false", "\"pending\": true", 1);
        let died = died.replacen(&included, &before, 1);
        assert_ne!(died, noted);
        std::fs::write(&path, died).unwrap();
        let mut keeper = Keeper::open(&path).unwrap();
        let commits = client.timelocked_weight_commits(netuid, MechId::new(0)).await.unwrap();
        assert_eq!((commits.len(), commits[0].hotkey), (1, hotkey));
        assert_eq!(commits[0].reveal_round, reveal_round);
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Waiting(reveal_block));
        // The validator restarts in the middle.
        drop(keeper);
        let mut keeper = Keeper::open(&path).unwrap();

        let confirmed = async |uid| {
            client.confirm_weights(netuid, MechId::new(0), uid, &weights).await.unwrap()
        };
        let uid = client.uid(netuid, &hotkey).await.unwrap().unwrap();
        // The round comes out; the chain opens the weights in the block that was said, not before.
        chain.store_pulse(reveal_round, &[0; 32], &beacon.signature(reveal_round));
        chain.advance(reveal_block.value() - 1 - chain.block_number());
        assert!(!confirmed(uid).await);
        chain.advance(1);
        assert!(confirmed(uid).await);
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Good);
        assert_eq!(keeper.record().unwrap().confirmed, Some(true));

        // A round that never comes out: the keeper says so. Blocks are fast: the next round is some away.
        chain.advance(60);
        let other = SetWeights::from_scores(netuid, [(uid, 1.0)]);
        let outcome = keeper.set(&client, &other, &owner).await.unwrap();
        let WeightsOutcome::Committed { reveal_block, .. } = outcome else { panic!() };
        chain.advance(reveal_block.value() - chain.block_number());
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Waiting(reveal_block));
        chain.advance(u64::from(client.tempo(netuid).await.unwrap().value()) + 1);
        assert_eq!(keeper.health(&client).await.unwrap(), Health::Lost { expected: reveal_block });
        sound(&chain);
    });
}

#[test]
fn hashed_weights_open_in_their_window_only() {
    use tensor_chain::Error;
    use tensor_chain::client::HashedCommit;
    use tensor_chain::intent::{SetHyperparameter, Sudo};
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let on = SetHyperparameter::new(netuid, "commit_reveal_weights_enabled", true);
        client.execute(&Sudo(on), &key("//Alice")).await.unwrap();
        let owner = key("//owner");
        let salt = vec![11, 12, 13];
        // Early in an epoch, so that the window is some blocks away.
        chain.advance_to_epoch(netuid.value()).unwrap();
        let (commit, receipt) =
            client.commit_hashed_weights(&scores(netuid), salt, &owner).await.unwrap();
        assert!(receipt.event("SubtensorModule", "WeightsCommitted").is_some());
        // It is kept as text, and read after a restart.
        let text = serde_json::to_string(&commit).unwrap();
        let commit: HashedCommit = serde_json::from_str(&text).unwrap();

        let early = client.reveal_weights(&commit, &owner).await.unwrap_err();
        let Error::Rejected { rejection, .. } = &early else { panic!("{early:?}") };
        assert_eq!(rejection.reason.to_string(), "RevealTooEarly");
        chain.advance(commit.reveal_from.value() - chain.block_number());
        let receipt = client.reveal_weights(&commit, &owner).await.unwrap();
        assert!(receipt.event("SubtensorModule", "WeightsRevealed").is_some());
        assert!(receipt.block < commit.reveal_until);
        sound(&chain);
    });
}

#[cfg(feature = "timelock")]
#[test]
fn timelocked_commitments_are_read_and_opened() {
    use tensor_chain::client::CommitmentField;
    use tensor_chain::intent::SetTimelockedCommitment;
    use tensor_chain::timelock::{Beacon, seal};
    block_on(async {
        let chain = local();
        let beacon = Beacon::new(&[6; 32]);
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let reveal_round = 40_000_000;
        let encrypted = seal(b"soon", reveal_round, &beacon.public_key(), &[8; 32]).unwrap();
        let commitment =
            SetTimelockedCommitment { netuid, encrypted: encrypted.clone(), reveal_round };
        client.execute(&commitment, &key("//m")).await.unwrap();
        let hotkey = Hotkey::new(key("//m").account_id());
        let stored = client.commitment(netuid, &hotkey).await.unwrap().unwrap();
        assert_eq!(stored.fields, [CommitmentField::Timelocked { encrypted, reveal_round }]);
        chain.store_pulse(reveal_round, &[0; 32], &beacon.signature(reveal_round));
        chain.advance(2);
        // Anybody opens it by the round that the chain keeps, once the round is known to be the beacon's.
        let mut config = tensor_chain::Config::default();
        config.drand =
            tensor_chain::client::weights::commit::Drand::dangerous_with_key(beacon.public_key());
        let knows = Subtensor::from_rpc_with(chain.rpc(), config).await.unwrap();
        let CommitmentField::Timelocked { encrypted, .. } = &stored.fields[0] else { panic!() };
        let opened = knows.open_timelocked(encrypted, reveal_round).await.unwrap();
        assert_eq!(opened.as_deref(), Some(b"soon".as_slice()));
        assert_eq!(knows.open_timelocked(encrypted, reveal_round + 1).await.unwrap(), None);
        let pulse = knows.drand_pulse(reveal_round).await.unwrap().unwrap();
        assert!(!pulse.is_signed_by(&tensor_chain::client::weights::commit::Drand::QUICKNET));
        let error = client.open_timelocked(encrypted, reveal_round).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, format!("the signature is not the beacon's of round {reveal_round}"));
        let revealed = client.revealed_commitment(netuid, &hotkey).await.unwrap();
        assert!(revealed.iter().any(|one| one.data.ends_with(b"soon")), "{revealed:?}");
        sound(&chain);
    });
}
