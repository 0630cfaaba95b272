"""What the official SDK 11 (package `bittensor` 11.x), unmodified, reads on a chain, against a report of `subnet`.

usage: sdk11_report.py URL REPORT

Ends with exit code 0 and "ok" if both agree.
"""

import json
import sys

import bittensor as bt
from bittensor._generated import storage


def main(url, path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    sub = bt.Subtensor(url)
    netuid, tao, alpha = report["netuid"], report["tao"], report["alpha"]
    assert sub.block == report["blocks"], (sub.block, report["blocks"])

    # Where all TAO is, and all alpha.
    assert sub.query(storage.Balances.TotalIssuance) == tao["issuance"]
    accounts = [entry["data"] for _, entry in sub.query_map(storage.System.Account)]
    held = sum(data["free"] + data["reserved"] for data in accounts)
    assert held == tao["accounts"] + tao["burned"] == tao["issuance"], (held, tao)
    assert sub.query(storage.SubtensorModule.SubnetAlphaOut, [netuid]) == alpha["out"]

    # Who earned what.
    neurons = {neuron.uid: neuron for neuron in sub.subnets.metagraph(netuid).neurons}
    assert len(report["miners"]) > 2
    for row in report["miners"] + report["validators"]:
        neuron = neurons[row["uid"]]
        assert neuron.hotkey == row["hotkey"], row
        incentive = row["incentive_u16"] / 65_535
        assert abs(float(neuron.incentive) - incentive) < 1e-4, (row, neuron)
    for row in report["miners"]:
        # A miner bought no stake: all that it has it earned.
        stake = sub.query(storage.SubtensorModule.TotalHotkeyAlpha, [row["hotkey"], netuid])
        assert stake == row["earned_alpha"], (row, stake)
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
