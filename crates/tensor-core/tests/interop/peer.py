"""Does what it is asked with an official Python package, and answers as JSON.

    python peer.py < requests.json > answers.json

The package is bittensor 11 (`bittensor.wallet`) where that is installed, else bittensor-wallet 4
(of bittensor 10). A request is an object with `op` and its arguments, an answer whatever the
operation returns, or `{"error": "Class: text"}`.
"""

import json
import os
import sys

try:
    from bittensor.wallet import Wallet
    from bittensor import sp_core as core
    from bittensor.sp_core import Keypair

    VERSION = 11
except ImportError:
    from bittensor_wallet import Keypair, Wallet
    from bittensor_wallet import keyfile as core

    VERSION = 4


def about(keypair):
    return {"ss58": keypair.ss58_address, "crypto": keypair.crypto_type}


def signed(keypair, message):
    return dict(about(keypair), signature=bytes(keypair.sign(message)).hex())


def open_wallet(request):
    wallet = Wallet(name=request["wallet"], hotkey=request["hotkey"], path=request["root"])
    message = bytes.fromhex(request["message"])
    if "variable" in request:
        os.environ[request["variable"]] = request["value"]
        assert wallet.coldkey_file.env_var_name() in (request["variable"], request["variable"].removeprefix("BT_PW_"))
        coldkey = wallet.coldkey_file.get_keypair()
        del os.environ[request["variable"]]
    else:
        coldkey = wallet.get_coldkey(request.get("password"))
    hotkey = wallet.get_hotkey(request.get("hotkey_password"))
    return {
        "coldkey": signed(coldkey, message),
        "hotkey": signed(hotkey, message),
        "coldkeypub": about(wallet.coldkeypub),
        "hotkeypub": about(wallet.hotkeypub),
    }


def make_key(request):
    crypto = request["crypto"]
    if "mnemonic" in request:
        return Keypair.create_from_mnemonic(request["mnemonic"], crypto)
    if "seed" in request:
        seed = request["seed"]
        return Keypair.create_from_seed(bytes.fromhex(seed) if VERSION == 11 else "0x" + seed, crypto)
    return Keypair.create_from_uri(request["uri"], crypto)


def create_wallet(request):
    wallet = Wallet(name=request["wallet"], hotkey=request["hotkey"], path=request["root"])
    cold, hot = make_key(request["cold"]), make_key(request["hot"])
    password = request.get("password")
    wallet.coldkey_file.set_keypair(cold, encrypt=password is not None, overwrite=False, password=password)
    wallet.hotkey_file.set_keypair(hot, encrypt=False, overwrite=False)
    wallet.coldkeypub_file.set_keypair(public(cold), encrypt=False, overwrite=False)
    wallet.hotkeypub_file.set_keypair(public(hot), encrypt=False, overwrite=False)
    message = bytes.fromhex(request["message"])
    return {"cold": signed(cold, message), "hot": signed(hot, message)}


def public(keypair):
    return Keypair(ss58_address=keypair.ss58_address, crypto_type=keypair.crypto_type)


def verify(request):
    keypair = Keypair(ss58_address=request["ss58"], crypto_type=request["crypto"])
    return keypair.verify(bytes.fromhex(request["message"]), bytes.fromhex(request["signature"]))


def read(request):
    """Reads a keyfile's content and writes it again, as `Keyfile.get_keypair` does."""
    content = bytes.fromhex(request["content"])
    if core.keyfile_data_is_encrypted(content):
        content = bytes(core.decrypt_keyfile_data(content, request.get("password")))
    keypair = core.deserialize_keypair_from_keyfile_data(content)
    written = bytes(core.serialized_keypair_to_keyfile_data(keypair))
    return dict(about(keypair), fields=sorted(json.loads(written)), written=written.hex())


def encrypted_json(request):
    return about(Keypair.create_from_encrypted_json(request["json"], request["passphrase"]))


def seal(request):
    return bytes(Keypair.encrypt_for(request["ss58"], bytes.fromhex(request["message"]))).hex()


def unseal(request):
    return bytes(make_key(request).decrypt(bytes.fromhex(request["sealed"]))).hex()


OPERATIONS = {
    "version": lambda request: VERSION,
    "open": open_wallet,
    "create": create_wallet,
    "key": lambda request: about(make_key(request)),
    "verify": verify,
    "read": read,
    "encrypted_json": encrypted_json,
    "seal": seal,
    "unseal": unseal,
}


def answer(request):
    try:
        return OPERATIONS[request["op"]](request)
    # A panic inside the Rust extension is no Exception.
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    requests = json.load(sys.stdin)
    # The packages print to standard output now and then.
    out = os.dup(1)
    os.dup2(2, 1)
    answers = [answer(request) for request in requests]
    with os.fdopen(out, "w") as out:
        json.dump(answers, out)


if __name__ == "__main__":
    main()
