"""Asks an axon as the official dendrite does: sdk10_dendrite.py PORT AXON_HOTKEY.

Prints one line of JSON for each question: what the dendrite made of the answer.
"""

import asyncio
import json
import sys

from bittensor.utils import networking

# The only thing a dendrite needs the Internet for; it is told, not used.
networking.get_external_ip = lambda: "203.0.113.7"

import bittensor as bt
from bittensor.core.chain_data import AxonInfo
from bittensor_wallet import Keypair
from sdk10_classes import Boom, Late, Mixed, Prompt, PromptStream, Slow, Teapot, Unhashed

port, hotkey = int(sys.argv[1]), sys.argv[2]
eve = Keypair.create_from_uri("//Eve")
other = eve.ss58_address


def axon(hotkey):
    return AxonInfo(
        version=10005000, ip="127.0.0.2", port=port, ip_type=4, hotkey=hotkey, coldkey=hotkey
    )


def show(name, synapse, **more):
    answer = {
        "case": name,
        "status": synapse.dendrite.status_code,
        "message": synapse.dendrite.status_message,
        "success": synapse.is_success,
        "axon_status": synapse.axon.status_code,
        "axon_hotkey": synapse.axon.hotkey,
        **{k: getattr(synapse, k, None) for k in ("completion", "reply")},
        **more,
    }
    print(json.dumps(answer), flush=True)


class Tampered(bt.Dendrite):
    """Changes a request between signing and sending."""

    def __init__(self, wallet, change):
        super().__init__(wallet=wallet)
        self.change = change

    def preprocess_synapse_for_request(self, *args, **kwargs):
        synapse = super().preprocess_synapse_for_request(*args, **kwargs)
        self.change(synapse)
        return synapse


class OtherBody(bt.Dendrite):
    """Sends another body than the one whose hash it signed."""

    @property
    async def session(self):
        inner = await super().session

        class Session:
            def post(self, url, headers, json, timeout):
                return inner.post(url, headers=headers, json={**json, "prompt": "y"}, timeout=timeout)

        return Session()


async def main():
    alice = Keypair.create_from_uri("//Alice")
    dendrite = bt.Dendrite(wallet=alice)
    target = axon(hotkey)

    async def ask(name, synapse, timeout=12.0, target=target, dendrite=dendrite):
        show(name, await dendrite.call(target, synapse, timeout=timeout, deserialize=False))

    await ask("prompt", Prompt(prompt="hello world"))
    await ask("unicode", Prompt(prompt="漢字😀 \"it's\"\n\u200b"))
    await ask("unhashed", Unhashed(prompt="x"))
    await ask(
        "mixed",
        Mixed(
            text="it's", number=-3, ratio=2, flag=True, items=[1, 2],
            table={"k": [None, "v", 1.5], "é": {"q": "\"'"}}, maybe=None,
        ),
    )
    await ask("ping", bt.Synapse())
    await ask("boom", Boom())
    await ask("teapot", Teapot())
    await ask("late", Late())
    await ask("slow", Slow(seconds=5.0), timeout=0.5)
    await ask("slow enough", Slow(seconds=0.01))
    await ask("for another", Prompt(prompt="x"), target=axon(other))
    await ask("denied", Prompt(prompt="x"), dendrite=bt.Dendrite(wallet=eve))
    # One dendrite, many requests at once: their nonces may arrive in any order.
    many = [dendrite.call(target, Prompt(prompt=str(i)), deserialize=False) for i in range(20)]
    show("many", (await asyncio.gather(*many))[-1],
         all=sorted({s.dendrite.status_code for s in await asyncio.gather(
             *[dendrite.call(target, Prompt(prompt=str(i)), deserialize=False) for i in range(20)]
         )}))

    def set_prompt(synapse):
        synapse.prompt = "changed"

    def set_nonce(synapse):
        synapse.dendrite.nonce += 1

    def set_old(synapse):
        synapse.dendrite.nonce -= 60 * 10**9
        sign(synapse)

    def set_future(synapse):
        synapse.dendrite.nonce += 3600 * 10**9
        sign(synapse)

    def unsign(synapse):
        synapse.dendrite.signature = None

    def sign(synapse):
        message = (
            f"{synapse.dendrite.nonce}.{synapse.dendrite.hotkey}.{synapse.axon.hotkey}"
            f".{synapse.dendrite.uuid}.{synapse.body_hash}"
        )
        synapse.dendrite.signature = f"0x{alice.sign(message).hex()}"

    for name, change in (
        ("changed field", set_prompt), ("changed nonce", set_nonce), ("old", set_old),
        ("future", set_future), ("unsigned", unsign),
    ):
        await ask(name, Prompt(prompt="x"), dendrite=Tampered(alice, change))

    def set_unhashed(synapse):
        synapse.prompt = "changed"

    await ask("changed unhashed", Unhashed(prompt="x"), dendrite=Tampered(alice, set_unhashed))

    # The header tells the hash that was signed, and the body is another.
    await ask("changed body", Prompt(prompt="x"), dendrite=OtherBody(alice))

    stream = PromptStream(prompt="a bb ccc")
    async for item in Tampered(alice, set_prompt).call_stream(target, stream, deserialize=False):
        if not isinstance(item, str):
            show("changed stream", item)

    chunks = []
    async for item in dendrite.call_stream(
        target, PromptStream(prompt="a bb ccc"), deserialize=False
    ):
        if isinstance(item, str):
            chunks.append(item)
        else:
            show("stream", item, chunks="".join(chunks))


asyncio.run(main())
