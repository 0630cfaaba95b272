"""Seals, opens, encrypts and mines with an official package (`bittensor_core` of SDK 11, `bittensor_drand`
of SDK 10): one task per line of JSON in, one answer per line out.
"""

import json
import sys

try:
    import bittensor_core as core
except ImportError:
    import bittensor_drand as core


def unhex(text):
    return bytes.fromhex(text)


def seal(task):
    """An envelope that opens at a round."""
    return bytes(core.encrypt_at_round(unhex(task["message"]), task["round"])[0]).hex()


def open_(task):
    """What an envelope holds, by the signature of its round."""
    opened = core.decrypt_with_signature(unhex(task["sealed"]), task["signature"])
    return bytes(opened).hex()


def shield(task):
    """Bytes encrypted to a key of the shield, as they are submitted."""
    return bytes(core.encrypt_mlkem768(unhex(task["key"]), unhex(task["message"]), True)).hex()


def work(task):
    """The seal of a nonce."""
    from bittensor.pow_registration import registration_prefix, registration_seal

    prefix = registration_prefix(task["netuid"], task["block"], task["hotkey"], task["coldkey"])
    return registration_seal(prefix, task["nonce"]).hex()


def mine(task):
    """The first nonce from 0 on whose seal is good enough."""
    from bittensor.pow_registration import _mine_chunk, registration_prefix

    prefix = registration_prefix(task["netuid"], task["block"], task["hotkey"], task["coldkey"])
    nonce, seal = _mine_chunk(prefix, task["difficulty"], 0, 1 << 20)
    return [nonce, seal]


TASKS = {"seal": seal, "open": open_, "shield": shield, "work": work, "mine": mine}

for line in sys.stdin:
    task = json.loads(line)
    print(json.dumps(TASKS[task["do"]](task)), flush=True)
