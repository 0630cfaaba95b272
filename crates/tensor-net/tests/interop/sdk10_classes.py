"""The synapse classes that both sides of the interop tests know."""

from typing import ClassVar, Optional

import bittensor as bt
from bittensor.core.stream import StreamingSynapse


class Prompt(bt.Synapse):
    required_hash_fields: ClassVar[tuple[str, ...]] = ("prompt",)
    prompt: str
    completion: Optional[str] = None


class Unhashed(bt.Synapse):
    prompt: str
    completion: Optional[str] = None


class Mixed(bt.Synapse):
    required_hash_fields: ClassVar[tuple[str, ...]] = (
        "text", "number", "ratio", "flag", "items", "table", "maybe",
    )
    text: str
    number: int
    ratio: float
    flag: bool
    items: list[int]
    table: dict
    maybe: Optional[str] = None
    reply: Optional[str] = None


class Slow(bt.Synapse):
    seconds: float
    reply: Optional[str] = None


class Boom(bt.Synapse):
    pass


class Teapot(bt.Synapse):
    pass


class Late(bt.Synapse):
    pass


class PromptStream(StreamingSynapse):
    required_hash_fields: ClassVar[tuple[str, ...]] = ("prompt",)
    prompt: str
    completion: Optional[str] = None

    async def process_streaming_response(self, response):
        self.completion = self.completion or ""
        async for chunk in response.content.iter_any():
            text = chunk.decode()
            self.completion += text
            yield text

    def extract_response_json(self, response):
        headers = {k.decode(): v.decode() for k, v in response.__dict__["_raw_headers"]}

        def part(prefix):
            return {k.removeprefix(prefix): v for k, v in headers.items() if k.startswith(prefix)}

        return {
            "name": headers.get("name", ""),
            "timeout": float(headers.get("timeout", 0)),
            "dendrite": part("bt_header_dendrite_"),
            "axon": part("bt_header_axon_"),
            "prompt": self.prompt,
            "completion": self.completion,
        }

    def deserialize(self):
        return self
