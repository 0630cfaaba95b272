"""What the bench `peers` measures of the official SDKs: the same reads, the same search.

usage: peers.py URL ROUNDS NONCES

The last line is JSON: what was done, and the median and the best of its seconds.
"""

import json
import sys
import time

import bittensor


def measure(rounds, work):
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    taken.sort()
    return [taken[len(taken) // 2], taken[0]]


def sdk11(url, rounds, nonces):
    import bittensor_core
    from bittensor.pow_registration import registration_seal

    sub = bittensor.Subtensor(url)
    assert len(sub.subnets.metagraph(1, commitments=False).neurons) == 256
    prefix = b"subtensor-pow-register-v1" + (7).to_bytes(2, "little") + bytes(32 + 32 + 32)
    hard = (1 << 64) - 1

    def in_python():
        for nonce in range(nonces // 10):
            assert int.from_bytes(registration_seal(prefix, nonce), "little") > hard

    slow = measure(max(rounds // 7, 1), in_python)
    return {
        "metagraph of 256 neurons": measure(
            rounds, lambda: sub.subnets.metagraph(1, commitments=False)
        ),
        "all subnets": measure(rounds, lambda: sub.read("subnets")),
        "nonces tried, one thread": measure(
            rounds, lambda: bittensor_core.pow_mine_cpu(prefix, hard, 0, nonces)
        ),
        "nonces tried, in Python proper": [second * 10 for second in slow],
    }


def sdk10(url, rounds, nonces):
    sub = bittensor.Subtensor(network=url)
    assert len(sub.metagraph(1).hotkeys) == 256
    return {
        "metagraph of 256 neurons": measure(rounds, lambda: sub.metagraph(1)),
        "all subnets with their pools": measure(rounds, sub.all_subnets),
    }


if __name__ == "__main__":
    url, rounds, nonces = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    run = sdk11 if bittensor.__version__.startswith("11") else sdk10
    print(json.dumps(run(url, rounds, nonces)))
