//! A slot for work: the solver's nonce is what the chain takes, once, from its owner, while it is new.

use futures::executor::block_on;
use parity_scale_codec::Encode;
use tensor_chain::intent::PowRegister;
use tensor_chain::local::{LocalChain, Sealing};
use tensor_chain::pow::{Progress, Puzzle, Solution};
use tensor_chain::{Error, Subtensor};
use tensor_core::BlockNumber;

use super::story::{TAO, coldkey, hotkey, key, subnet};

#[test]
fn a_slot_is_worked_for() {
    block_on(async {
        let builder = LocalChain::builder().sealing(Sealing::Instant).pow_register(true);
        let chain = builder.build().unwrap();
        for name in ["//Alice", "//Bob", "//Carol", "//Dave"] {
            chain.fund(&key(name).account_id(), 100_000 * TAO);
        }
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        for item in ["MinDifficulty", "Difficulty"] {
            let (key, value) = (netuid.value().encode(), 300_u64.encode());
            chain.set_storage("SubtensorModule", item, &[&key], Some(&value)).unwrap();
        }
        let difficulty = client.difficulty(netuid).await.unwrap();
        let solve = |number: u64, whose: &str| -> Solution {
            let hash = chain.block_hash(number).unwrap();
            let block = BlockNumber::new(number);
            let worker = hotkey("//worker");
            let puzzle = Puzzle::new(netuid, block, &hash, worker, &coldkey(whose), difficulty);
            puzzle.solve(0, 1, &Progress::new()).unwrap()
        };
        let register = |number: u64, solution: Solution| {
            let (nonce, work) = (solution.nonce, solution.seal.to_vec());
            PowRegister::new(netuid, BlockNumber::new(number), nonce, work, hotkey("//worker"))
        };
        let refused = |error: Error| match error {
            Error::Dispatch(failed) => failed.failure.name,
            other => panic!("{other:?}"),
        };
        let dave = key("//Dave");
        let head = chain.block_number();
        // Somebody else's work.
        let error = client.execute(&register(head, solve(head, "//Bob")), &dave).await.unwrap_err();
        assert_eq!(refused(error), "InvalidSeal");
        // Too little of it.
        let head = chain.block_number();
        let hash = chain.block_hash(head).unwrap();
        let block = BlockNumber::new(head);
        let easy = Puzzle::new(netuid, block, &hash, hotkey("//worker"), &coldkey("//Dave"), 1);
        let hard = Puzzle::new(netuid, block, &hash, hotkey("//worker"), &coldkey("//Dave"), 300);
        let nonce = (0..).find(|nonce| !hard.is_solved_by(&easy.seal(*nonce))).unwrap();
        let work = easy.seal(nonce).to_vec();
        let lazy = PowRegister::new(netuid, block, nonce, work, hotkey("//worker"));
        assert_eq!(refused(client.execute(&lazy, &dave).await.unwrap_err()), "InvalidDifficulty");
        // Too old.
        let solution = solve(head, "//Dave");
        chain.advance(2);
        let error = client.execute(&register(head, solution), &dave).await.unwrap_err();
        assert_eq!(refused(error), "InvalidWorkBlock");

        let head = chain.block_number();
        let before = client.balance(&dave.account_id()).await.unwrap();
        let receipt = client.execute(&register(head, solve(head, "//Dave")), &dave).await.unwrap();
        assert!(receipt.event("SubtensorModule", "NeuronRegistered").is_some());
        assert_eq!(receipt.fee, None);
        assert_eq!(client.balance(&dave.account_id()).await.unwrap(), before);
        let graph = client.metagraph(netuid).await.unwrap();
        assert_eq!(graph.by_hotkey(&hotkey("//worker")).unwrap().coldkey, coldkey("//Dave"));
        assert!(chain.invariants().hold());
        // Without the option the interface is that of 461, which has no such call.
        let plain = LocalChain::builder().build().unwrap();
        assert!(plain.interface().call("SubtensorModule", "pow_register").is_none());
        assert_eq!(chain.interface().deviations().len(), 2);
    });
}
