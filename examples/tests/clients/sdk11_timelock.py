"""A timelocked commit of the official SDK 11 (package `bittensor` 11.x), unmodified, and its reveal.

usage: sdk11_timelock.py URL ROUND

The clock is made to stand still shortly before that round of quicknet, and the chain's blocks take so
little time that every commit is sealed until it. Prints "committed" once a commit is listed, then
waits for a line: the round was published. Ends with "ok" once the weights are what was committed. The
chain must be fresh and of the development preset, with sudo on //Alice.
"""

import sys
from types import SimpleNamespace

import bittensor as bt
from bittensor._generated import calls, storage
from bittensor.sp_core import Keypair


def wallet(cold, hot):
    coldkey = Keypair.create_from_uri(cold)
    return SimpleNamespace(
        coldkey=coldkey, coldkeypub=coldkey, hotkey=Keypair.create_from_uri(hot)
    )


def main(url, target):
    sub = bt.Subtensor(url)
    owner = wallet("//Alice", "//Alice//lock")
    miner = wallet("//Bob", "//Bob//lock")
    netuid = 2

    def done(result):
        assert result.success, f"{result.message} {result.error}"

    def root(call):
        done(sub.submit_call(calls.Sudo.sudo(call=sub.compose(call)), owner))

    done(sub.execute(bt.RegisterSubnet(), owner))
    done(sub.execute(bt.StartCall(netuid=netuid), owner))
    root(calls.AdminUtils.sudo_set_weights_set_rate_limit(netuid=netuid, weights_set_rate_limit=0))
    root(calls.AdminUtils.sudo_set_tempo(netuid=netuid, tempo=40))
    call = calls.SubtensorModule.burned_register(netuid=netuid, hotkey=miner.hotkey.ss58_address)
    done(sub.submit_call(call, miner))

    # The owner's cut gives the owner a permit with the next epoch. Then early in an epoch, so that the
    # round can be published before the next one ends.
    def permitted():
        permits = sub.query(storage.SubtensorModule.ValidatorPermit, [netuid])
        last = sub.query(storage.SubtensorModule.LastEpochBlock, [netuid])
        return permits and permits[0] and sub.block - last < 15

    for _ in range(200):
        if permitted():
            break
        sub.wait_for_block(sub.block + 1)
    assert permitted(), "the owner has no permit"

    done(sub.execute(bt.SetWeights(netuid=netuid, uids=[0, 1], weights=[0.25, 0.75]), owner))
    commits = sub.read("timelocked_weight_commits", netuid=netuid)
    assert commits, "no commit is listed"
    assert str(target) in str(commits), f"sealed until another round: {commits}"
    print("committed", flush=True)
    sys.stdin.readline()

    for _ in range(200):
        row = sub.query(storage.SubtensorModule.Weights, [netuid, 0])
        if row:
            break
        sub.wait_for_block(sub.block + 1)
    assert [uid for uid, _ in row] == [0, 1], row
    assert row[1][1] == 65_535 and abs(row[0][1] - 65_535 / 3) < 1, row
    assert not sub.read("timelocked_weight_commits", netuid=netuid), "a commit is left"
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
