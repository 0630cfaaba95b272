"""Verifies requests with the official btauth/1 code: sdk11_server.py HOTKEY. Prints its port."""

import http.server
import json
import sys

from bittensor import http_auth

me = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            caller = http_auth.verify(
                dict(self.headers), body, method=self.command, path=self.path, self_hotkey_ss58=me
            )
            status, answer = 200, {"hotkey": caller.hotkey_ss58, "bytes": len(body)}
        except http_auth.AuthError as error:
            status, answer = 401, {"error": type(error).__name__, "message": str(error)}
        answer = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    # The usual five would make connections that come at once wait for the kernel to try again.
    request_queue_size = 256


server = Server(("127.0.0.2", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
