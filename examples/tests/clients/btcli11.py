"""The official command line of SDK 11 (`btcli` of package `bittensor` 11.x), unmodified, against a
served local chain.

usage: btcli11.py URL

Ends with exit code 0 and "ok" if everything held. The chain must be fresh, of the development preset,
with sudo on //Alice and a shield that opens. Runs `btcli` of the interpreter's own environment, with a
home and wallets of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from bittensor.sp_core import Keypair

BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
# The secret seeds of the development keys.
SEEDS = {
    "alice": "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a",
    "bob": "0x398f0c28f98885e046333d4a41c19cee4c37368a9832c6502f6cfd182e2aef89",
    "charlie": "0xbc1ede780f784bb6991a585e4f6e61522c14e1cae6ad0895fb57b9a205a8f938",
}


class Cli:
    """`btcli` with a home and wallets of its own."""

    def __init__(self, url, home):
        self.home, self.wallets, self.url = home, os.path.join(home, "wallets"), url
        self.program = os.path.join(os.path.dirname(sys.executable), "btcli")

    def run(self, *words, wallet="alice"):
        """Runs it; gives its exit code, and what it printed as JSON."""
        command = [self.program, "--network", self.url, "--fallback-endpoints", "none"]
        command += ["--wallet", wallet, "--wallet-hotkey", "hot", "--wallet-path", self.wallets]
        command += ["--archive-endpoints", "none", "--json", "--yes", *words]
        environment = {**os.environ, "HOME": self.home, "COLUMNS": "500", "NO_COLOR": "1"}
        done = subprocess.run(
            command, env=environment, input="", capture_output=True, text=True, timeout=120
        )
        print("==", *words, f"({done.returncode})")
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            # Refusals are on the other stream.
            return done.returncode, done.stdout + done.stderr

    def done(self, *words, wallet="alice"):
        code, said = self.run(*words, wallet=wallet)
        assert code == 0, f"{words}: {said}"
        return said

    def shielded(self, *words, wallet):
        # What is shielded must be in a block within eight: a machine under load may need two tries.
        for _ in range(3):
            code, said = self.run(*words, wallet=wallet)
            if code == 0:
                assert said["data"]["shielded"], said
                return
            assert "expired" in str(said), f"{words}: {said}"
        raise AssertionError(f"{words}: expired thrice")

    def refused(self, *words, wallet="alice", error):
        code, said = self.run(*words, wallet=wallet)
        assert code != 0 and error in str(said), f"{words}: {said}"


def main(url, home):
    cli = Cli(url, home)

    def keys(name):
        cli.done("wallet", "regen-coldkey", "--seed", SEEDS[name], "--no-password", wallet=name)
        return cli.done("wallet", "new-hotkey", wallet=name)["ss58"]

    with ThreadPoolExecutor() as pool:
        hotkeys = dict(zip(SEEDS, pool.map(keys, SEEDS)))
    netuid = ("--netuid", "2")

    # Reading, and a transfer.
    #assert "1000000" in str(cli.done("wallet", "balance")), "the development balance is not there"
    pay = ("wallet", "transfer", "--dest", BOB, "--amount")
    assert cli.done(*pay, "1")["fee_tao"] == 0.000166248
    cli.refused(*pay, "5000000", error="insufficient_balance")

    # A subnet of our own.
    assert cli.done("subnets", "create")["data"]["netuid"] == 2
    cli.refused("tx", "start-call", *netuid, wallet="bob", error="not_authorized")
    cli.done("tx", "start-call", *netuid)

    # Registration and stake: through the shield, as this program does unless told otherwise.
    for name in ("bob", "charlie"):
        cli.shielded("subnets", "register", *netuid, wallet=name)
    add = ("stake", "add", *netuid, "--amount")
    cli.shielded(*add, "1", "--no-slippage-protection", wallet="bob")
    cli.refused(*add, "1000", "--no-mev-shield", wallet="bob", error="insufficient_liquidity")

    # Serving, a hyperparameter, weights.
    cli.done("tx", "serve-axon", *netuid, "--ip", "8.8.8.8", "--port", "8091", wallet="charlie")
    setting = ("--name", "commit_reveal_weights_enabled", "--value")
    cli.done("tx", "set-hyperparameter", *netuid, *setting, "false")
    weights = (*netuid, "--uids", "0,2", "--weights", "0.25,0.75")
    cli.done("weights", "set", *weights, wallet="bob")
    cli.done("tx", "set-hyperparameter", *netuid, *setting, "true")
    # Refused until the subnet's rate limit has passed since the last weights.
    cli.refused("weights", "commit", *weights, wallet="bob", error="rate_limited")
    for _ in range(20):
        code, said = cli.run("weights", "commit", *weights, wallet="bob")
        if code == 0:
            break
        assert "rate_limited" in str(said), said
        time.sleep(3)
    assert code == 0, said
    commits = cli.done("query", "timelocked-weight-commits", *netuid)
    assert hotkeys["bob"] in str(commits), commits

    # What all of it comes to.
    with ThreadPoolExecutor() as pool:
        subnets = pool.submit(cli.done, "subnets", "list")
        graph = pool.submit(cli.done, "subnets", "metagraph", "2")
        stakes = pool.submit(cli.done, "stake", "list", wallet="bob")
    neurons = {subnet["netuid"]: subnet["neurons"] for subnet in subnets.result()}
    assert neurons == {0: 0, 1: 1, 2: 3}, neurons
    said = str(graph.result())
    assert all(hotkey in said for hotkey in hotkeys.values()) and "8.8.8.8" in said, said
    assert hotkeys["bob"] in str(stakes.result()), stakes.result()
    print("ok")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1], folder)
