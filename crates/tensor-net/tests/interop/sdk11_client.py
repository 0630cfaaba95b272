"""Asks a server as the official btauth/1 guide does: sdk11_client.py PORT SERVER_HOTKEY.

Prints one line of JSON for each question: status and body.
"""

import http.client
import json
import sys
import time

from bittensor import http_auth
from bittensor import sp_core

port, hotkey = int(sys.argv[1]), sys.argv[2]


def key(uri, crypto_type=None):
    if crypto_type is None:
        return sp_core.Keypair.create_from_uri(uri)
    return sp_core.Keypair.create_from_uri(uri, crypto_type=crypto_type)


def send(name, method, target, body, headers):
    connection = http.client.HTTPConnection("127.0.0.2", port, timeout=10)
    connection.request(method, target, body, {**headers, "Content-Type": "application/json"})
    response = connection.getresponse()
    print(json.dumps({
        "case": name, "status": response.status, "body": response.read().decode(),
    }), flush=True)
    connection.close()


alice = key("//Alice")
eddy = key("//Alice", 0)
eve = key("//Eve").ss58_address
body = json.dumps({"prompt": "hello world"}).encode()


def sign(signer=alice, method="POST", path="/generate?x=1", data=body, **more):
    more.setdefault("receiver_ss58", hotkey)
    return http_auth.sign(signer, method=method, path=path, body=data, **more)


send("sr25519", "POST", "/generate?x=1", body, sign())
send("ed25519", "POST", "/generate?x=1", body, sign(eddy))
send("get", "GET", "/any/path?q=%20&r=", b"", sign(method="GET", path="/any/path?q=%20&r=", data=b""))
send("empty query", "PUT", "/x?", b"z", sign(method="PUT", path="/x?", data=b"z"))
again = sign()
send("first", "POST", "/generate?x=1", body, again)
send("again", "POST", "/generate?x=1", body, again)
send("changed body", "POST", "/generate?x=1", body + b" ", sign())
send("changed target", "POST", "/generate?x=2", body, sign())
send("changed method", "PUT", "/generate?x=1", body, sign())
send("for another", "POST", "/generate?x=1", body, sign(receiver_ss58=eve))
send("for nobody", "POST", "/generate?x=1", body, sign(receiver_ss58=None))
send("old", "POST", "/generate?x=1", body, sign(nonce_ns=time.time_ns() - 11 * 10**9))
send("future", "POST", "/generate?x=1", body, sign(nonce_ns=time.time_ns() + 60 * 10**9))
send("unsigned", "POST", "/generate?x=1", body, {})
