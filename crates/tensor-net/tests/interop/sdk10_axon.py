"""The official axon with the test synapses: sdk10_axon.py PORT. Prints `ready` when it listens."""

import asyncio
import socket
import sys
import time
from typing import Tuple

from bittensor.utils import networking

networking.get_external_ip = lambda: "203.0.113.7"

import bittensor as bt
from bittensor_wallet import Keypair
from sdk10_classes import Boom, Late, Mixed, Prompt, PromptStream, Slow, Teapot, Unhashed


class Wallet:
    hotkey = Keypair.create_from_uri("//Bob")
    coldkeypub = hotkey
    name = hotkey_str = "test"


def prompt(synapse: Prompt) -> Prompt:
    synapse.completion = synapse.prompt.upper()
    return synapse


def unhashed(synapse: Unhashed) -> Unhashed:
    synapse.completion = synapse.prompt.upper()
    return synapse


def mixed(synapse: Mixed) -> Mixed:
    dump = synapse.model_dump()
    synapse.reply = "|".join(str(dump[field]) for field in Mixed.required_hash_fields)
    return synapse


def boom(synapse: Boom) -> Boom:
    raise RuntimeError("boom")


def teapot(synapse: Teapot) -> Teapot:
    synapse.axon.status_code = 418
    synapse.axon.status_message = "short and stout"
    return synapse


async def slow(synapse: Slow) -> Slow:
    await asyncio.sleep(synapse.seconds)
    synapse.reply = "done"
    return synapse


def late(synapse: Late) -> Late:
    return synapse


def late_priority(synapse: Late) -> float:
    raise TimeoutError


def prompt_stream(synapse: PromptStream) -> PromptStream:
    async def stream(send):
        for word in synapse.prompt.upper().split():
            await send({"type": "http.response.body", "body": f"{word} ".encode(), "more_body": True})

    return synapse.create_streaming_response(stream)


def blacklist(synapse: Prompt) -> Tuple[bool, str]:
    eve = Keypair.create_from_uri("//Eve").ss58_address
    return synapse.dendrite.hotkey == eve, "listed key"


axon = bt.Axon(wallet=Wallet(), port=int(sys.argv[1]), ip="127.0.0.1", external_ip="127.0.0.1")
axon.attach(prompt, blacklist_fn=blacklist)
axon.attach(late, priority_fn=late_priority)
for forward in (unhashed, mixed, boom, teapot, slow, prompt_stream):
    axon.attach(forward)
axon.start()
while True:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        time.sleep(0.05)
print("ready", flush=True)
sys.stdin.read()
axon.stop()
