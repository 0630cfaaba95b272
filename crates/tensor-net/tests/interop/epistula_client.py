"""Asks a server as Epistula 2 clients do, signing with the official wallet package:
epistula_client.py PORT SERVER_HOTKEY. Prints one line of JSON for each question: status and body.

There is no package of Epistula; this is written after its specification, not after ours.
"""

import hashlib
import http.client
import json
import math
import sys
import time
import uuid

from bittensor_wallet import Keypair

port, hotkey = int(sys.argv[1]), sys.argv[2]
alice = Keypair.create_from_uri("//Alice")
eve = Keypair.create_from_uri("//Eve").ss58_address
body = json.dumps({"prompt": "hello world"}).encode()


def sign(text):
    return "0x" + alice.sign(text.encode()).hex()


def headers(data=body, to=hotkey, version="2", shift_ms=0):
    now = round(time.time() * 1000) + shift_ms
    name, interval = str(uuid.uuid4()), math.ceil(now / 1e4)
    return {
        "Epistula-Version": version,
        "Epistula-Timestamp": str(now),
        "Epistula-Uuid": name,
        "Epistula-Signed-By": alice.ss58_address,
        "Epistula-Signed-For": to,
        "Epistula-Request-Signature": sign(f"{hashlib.sha256(data).hexdigest()}.{name}.{now}.{to}"),
        "Epistula-Secret-Signature-0": sign(f"{interval - 1}.{to}"),
        "Epistula-Secret-Signature-1": sign(f"{interval}.{to}"),
        "Epistula-Secret-Signature-2": sign(f"{interval + 1}.{to}"),
    }


def send(name, path, data, lines):
    connection = http.client.HTTPConnection("127.0.0.2", port, timeout=10)
    connection.request("POST", path, data, {**lines, "Content-Type": "application/json"})
    response = connection.getresponse()
    print(json.dumps({
        "case": name, "status": response.status, "body": response.read().decode(),
    }), flush=True)
    connection.close()


send("generate", "/generate", body, headers())
send("any path", "/any/path", b"{}", headers(b"{}"))
again = headers()
send("first", "/generate", body, again)
send("again", "/generate", body, again)
send("changed body", "/generate", body + b" ", headers())
send("for another", "/generate", body, headers(to=eve))
send("old", "/generate", body, headers(shift_ms=-9_000))
send("future", "/generate", body, headers(shift_ms=60_000))
send("version", "/generate", body, headers(version="3"))
unsigned = headers()
del unsigned["Epistula-Request-Signature"]
send("unsigned", "/generate", body, unsigned)
