"""The official command line of SDK 10 (package `bittensor-cli` 9.23), unmodified, against a served
local chain.

usage: btcli9.py URL

Ends with exit code 0 and "ok" if everything held. The chain must be fresh and of the development
preset, with sudo on //Alice. Runs `btcli` of the interpreter's own environment, with a home and wallets
of its own. Left out is what this release does wrong by itself against runtime 461: `subnets show` asks
for storage that is gone, `weights commit` for a name that never was.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from bittensor_wallet import Keypair, Wallet

BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"


class Cli:
    """`btcli` with a home and wallets of its own."""

    def __init__(self, url, home):
        self.home, self.wallets, self.url = home, os.path.join(home, "wallets"), url
        self.program = os.path.join(os.path.dirname(sys.executable), "btcli")
        for name in ("alice", "bob", "charlie"):
            cold, hot = f"//{name.capitalize()}", f"//{name.capitalize()}//nine"
            wallet = Wallet(name=name, hotkey="hot", path=self.wallets)
            wallet.set_coldkey(Keypair.create_from_uri(cold), encrypt=False)
            wallet.set_coldkeypub(Keypair.create_from_uri(cold))
            wallet.set_hotkey(Keypair.create_from_uri(hot), encrypt=False)

    def say(self, *words, wallet=None, network=True):
        """Runs it; gives what it printed."""
        command = [self.program, *words]
        if network:
            command += ["--network", self.url]
        if wallet:
            command += ["--wallet-path", self.wallets, "--wallet-name", wallet, "--hotkey", "hot"]
        environment = {**os.environ, "HOME": self.home, "COLUMNS": "500", "NO_COLOR": "1"}
        done = subprocess.run(
            command, env=environment, input="\n" * 30, capture_output=True, text=True, timeout=120
        )
        print("==", *words, f"({done.returncode})")
        return done.stdout + done.stderr

    def json(self, *words, wallet=None):
        """Runs it with `--json-output`; gives the object in what it printed."""
        said = self.say(*words, "--json-output", wallet=wallet)
        start = min((at for at in (said.find("{"), said.find("[")) if at >= 0), default=-1)
        assert start >= 0, f"{words}: {said}"
        # Long lines are folded, which JSON does not allow inside of strings.
        return json.JSONDecoder(strict=False).raw_decode(said[start:].replace("\n", ""))[0]


def main(url, home):
    cli = Cli(url, home)

    def done(*words, wallet):
        result = cli.json(*words, "--no-prompt", wallet=wallet)
        assert result.get("success") or result.get("staking_success"), f"{words}: {result}"
        return result

    # Reading, and a transfer that shows in it.
    def balance(name):
        found = cli.json("wallet", "balance", wallet=name)
        return next(iter(found["balances"].values()))["free"]

    assert balance("bob") == 1_000_000
    done("wallet", "transfer", "--dest", BOB, "--amount", "1", wallet="alice")
    assert balance("bob") == 1_000_001
    much = cli.json(
        "wallet", "transfer", "--dest", BOB, "--amount", "5000000", "--no-prompt", wallet="alice"
    )
    assert not much["success"], much

    # A subnet of our own.
    name = ("--subnet-name", "nine", "--no-mev-protection")
    created = cli.json("subnets", "create", *name, "--no-prompt", wallet="alice")
    assert created["success"] and created["netuid"] == 2, created
    netuid = ("--netuid", "2")
    said = cli.say("subnets", "start", *netuid, "--no-prompt", wallet="alice")
    assert "uccess" in said, said

    # Registration, in the clear.
    for name in ("bob", "charlie"):
        done("subnets", "register", *netuid, wallet=name)
    assert done("subnets", "register", *netuid, wallet="charlie")["msg"] == "Already registered"

    # Stake, in the clear and through the shield, and some of it back.
    add = ("stake", "add", *netuid, "--amount", "0.1", "--unsafe")
    done(*add, "--no-mev-protection", wallet="bob")
    done(*add, "--mev-protection", wallet="bob")
    remove = ("stake", "remove", *netuid, "--amount", "0.00005", "--unsafe", "--no-mev-protection")
    # Without --all-hotkeys this release prints no JSON.
    removed = cli.json(*remove, "--all-hotkeys", "--no-prompt", wallet="bob")
    assert removed[0]["success"], removed

    # Serving, and a hyperparameter.
    axon = ("axon", "set", *netuid, "--ip", "8.8.8.8", "--port", "8091", "--no-prompt")
    said = cli.say(*axon, wallet="charlie")
    assert "uccess" in said, said
    done("sudo", "set", *netuid, "--param", "immunity_period", "--value", "77", wallet="alice")

    # What all of it comes to.
    with ThreadPoolExecutor() as pool:
        listed = pool.submit(cli.json, "subnets", "list")
        parameters = pool.submit(cli.json, "subnets", "hyperparameters", *netuid)
        overview = pool.submit(cli.json, "wallet", "overview", wallet="bob")
        stakes = pool.submit(cli.json, "stake", "list", "--no-prompt", wallet="bob")
    assert set(listed.result()["subnets"]) == {"0", "1", "2"}, listed.result()
    values = {row["hyperparameter"]: row["value"] for row in parameters.result()}
    assert values["immunity_period"] == 77, values
    (neuron,) = overview.result()["subnets"][0]["neurons"]
    assert neuron["uid"] == 1 and neuron["stake"] > 0, neuron
    # The owner's cut and the unset weights of an epoch leave something for the one that is staked to.
    assert neuron["emission"] > 0, neuron
    ((position,),) = stakes.result()["stake_info"].values()
    assert position["netuid"] == 2 and position["stake_value"] > 0, position
    print("ok")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1], folder)
