# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the Network API, which Nova asks also for servers without any network: no extension, no
port, no network. The one part of the lab's OpenStack that is not real, beside the hypervisor.

usage: no_networks.py PORT
"""
import http.server
import json
import re
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, code, document):
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        if path == "":
            link = {"rel": "self", "href": f"http://{self.headers.get('Host')}/v2.0/"}
            self.reply(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})
        elif path == "/v2.0":
            self.reply(200, {"resources": []})
        elif (match := re.fullmatch(r"/v2\.0/([\w-]+)(?:\.json)?", path)) is not None:
            self.reply(200, {match.group(1).replace("-", "_"): []})
        else:
            self.reply(404, {"NeutronError": {"type": "NotFound", "message": path, "detail": ""}})


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
