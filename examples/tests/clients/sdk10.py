"""The official SDK 10 (package `bittensor` 10.x), unmodified, against a served local chain.

usage: sdk10.py URL

Ends with exit code 0 and "ok" if everything held. The chain must be fresh and of the development
preset, with sudo on //Alice.
"""

import sys
from types import SimpleNamespace

import bittensor as bt
from bittensor.core.subtensor import Subtensor
from bittensor_wallet import Keypair


class Wallet:
    """What the SDK wants of a wallet, from development keys."""

    def __init__(self, cold, hot):
        self.name, self.hotkey_str, self.path = "dev", "dev", "."
        self.coldkey = self.coldkeypub = Keypair.create_from_uri(cold)
        self.hotkey = self.hotkeypub = Keypair.create_from_uri(hot)

    def unlock_coldkey(self):
        return self.coldkey

    def unlock_hotkey(self):
        return self.hotkey


def main(url):
    sub = Subtensor(network=url)
    owner = Wallet("//Alice", "//Alice//ten")
    validator = Wallet("//Bob", "//Bob//ten")
    miner = Wallet("//Charlie", "//Charlie//ten")

    def done(name, response):
        assert response.success, f"{name}: {response.message} {response.error}"
        print("done", name)
        return response

    def refused(name, response, text):
        assert not response.success, f"{name} should have failed"
        said = f"{response.message} {response.error}"
        assert text in said, f"{name}: {said}"
        print("refused", name, text)

    def root(function, **params):
        call = sub.compose_call("AdminUtils", function, params)
        sudo = sub.compose_call("Sudo", "sudo", {"call": call})
        response = sub.sign_and_send_extrinsic(
            call=sudo, wallet=owner, wait_for_inclusion=True, wait_for_finalization=False
        )
        done(function, response)

    # Reading.
    start = sub.get_current_block()
    assert sub.get_balance(owner.coldkey.ss58_address).tao == 1_000_000
    assert sub.get_existential_deposit().rao == 500
    assert sub.get_block_hash(0) is not None
    sub.wait_for_block(start + 2)
    assert sub.get_current_block() >= start + 2

    # A transfer.
    one = bt.Balance.from_tao(1)
    before = sub.get_balance(validator.coldkey.ss58_address)
    done("transfer", sub.transfer(owner, validator.coldkey.ss58_address, one))
    assert sub.get_balance(validator.coldkey.ss58_address) - before == one

    # A subnet of our own.
    done("register_subnet", sub.register_subnet(owner))
    netuid = 2
    assert sub.subnet_exists(netuid)
    done("start_call", sub.start_call(owner, netuid))
    root("sudo_set_weights_set_rate_limit", netuid=netuid, weights_set_rate_limit=0)

    # Registration, in the clear.
    for who in (validator, miner):
        done("burned_register", sub.burned_register(who, netuid))
        assert sub.is_hotkey_registered(who.hotkey.ss58_address, netuid=netuid)
    assert sub.get_uid_for_hotkey_on_subnet(miner.hotkey.ss58_address, netuid) == 2

    # Stake, in the clear and through the shield.
    hotkey = validator.hotkey.ss58_address
    tenth = bt.Balance.from_tao(0.1)
    done("add_stake", sub.add_stake(validator, netuid, hotkey, tenth, mev_protection=False))
    first = sub.get_stake(validator.coldkey.ss58_address, hotkey, netuid)
    assert first.rao > 0
    done("add_stake, shielded", sub.add_stake(validator, netuid, hotkey, tenth, mev_protection=True))
    assert sub.get_stake(validator.coldkey.ss58_address, hotkey, netuid) > first
    too_much = bt.Balance.from_tao(5_000_000)
    response = sub.add_stake(validator, netuid, hotkey, too_much, mev_protection=False)
    assert not response.success
    print("refused add_stake", response.message)

    # Serving.
    axon = SimpleNamespace(
        ip="8.8.8.8", external_ip="8.8.8.8", port=8091, external_port=8091, wallet=miner
    )
    done("serve_axon", sub.serve_axon(netuid, axon))
    assert sub.neuron_for_uid(2, netuid).axon_info.ip == "8.8.8.8"

    # A commitment.
    done("set_commitment", sub.set_commitment(miner, netuid, "hello"))
    assert sub.get_commitment(netuid, 2) == "hello"

    # Weights in the open.
    call = sub.compose_call(
        "AdminUtils",
        "sudo_set_commit_reveal_weights_enabled",
        {"netuid": netuid, "enabled": False},
    )
    done("commit reveal off", sub.sign_and_send_extrinsic(call=call, wallet=owner))
    sub.wait_for_block(sub.get_current_block() + 12)
    # The owner's cut makes it the largest staker: without its vote there is no consensus.
    for who in (validator, owner):
        done("set_weights", sub.set_weights(who, netuid, [0, 2], [0.25, 0.75]))
    assert any(row for _, row in sub.weights(netuid)), sub.weights(netuid)

    # An epoch pays.
    sub.wait_for_block(sub.get_current_block() + 25)
    for lite in (True, False):
        graph = sub.metagraph(netuid, lite=lite)
        assert int(graph.n) == 3
        assert float(graph.I[2]) > 0, graph.I
        assert float(graph.E[2]) > 0, graph.E
        assert bool(graph.validator_permit[1])
    print("metagraph", graph)

    # Weights under a timelock: committed and listed.
    call = sub.compose_call(
        "AdminUtils",
        "sudo_set_commit_reveal_weights_enabled",
        {"netuid": netuid, "enabled": True},
    )
    done("commit reveal on", sub.sign_and_send_extrinsic(call=call, wallet=owner))
    done("set_weights, timelocked", sub.set_weights(validator, netuid, [0, 2], [0.5, 0.5]))
    commits = sub.get_timelocked_weight_commits(netuid)
    assert commits, "no commit is listed"
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
