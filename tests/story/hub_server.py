"""A hub on this machine: it serves folders the way huggingface.co does, as far as its client asks.

The client is the real one. What a reader may not have, and what there is none of, is refused with
the very headers by which the client knows the reason.
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Folders by their ids; `gated` ones are listed and not given; `served` is what was fetched."""

    def __init__(self):
        self.folders, self.gated, self.served = {}, set(), []
        self.fail_after = None  # how many files are given before the line breaks
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                hub.answer(self, body=False)

            def do_GET(self):
                hub.answer(self, body=True)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, asked, body):
        path = asked.path.partition("?")[0].strip("/").split("/")
        api = path[:2] == ["api", "models"]
        if api:
            path = path[2:]
        name, rest = "/".join(path[:2]), path[2:]
        if name not in self.folders:
            return self.refuse(asked, 404, "RepoNotFound")
        if len(rest) > 1 and rest[1] not in ("main", COMMIT):
            return self.refuse(asked, 404, "RevisionNotFound")
        files = {f.relative_to(self.folders[name]).as_posix(): f
                 for f in sorted(Path(self.folders[name]).rglob("*")) if f.is_file()}  # fmt: skip
        if api and rest[:1] == ["tree"]:
            return self.give(asked, [{"type": "file", "path": p, "size": f.stat().st_size,
                                      "oid": tag(f)} for p, f in files.items()], body)  # fmt: skip
        if api:
            listed = [{"rfilename": p} for p in files]
            told = {"id": name, "modelId": name, "sha": COMMIT, "siblings": listed}
            return self.give(asked, {**told, "private": False}, body)
        if name in self.gated:
            return self.refuse(asked, 403, "GatedRepo")
        file = files.get("/".join(rest[2:]))
        if file is None:
            return self.refuse(asked, 404, "EntryNotFound")
        if body and self.fail_after is not None and len(self.served) >= self.fail_after:
            return self.refuse(asked, 500, "")
        if body:
            self.served.append("/".join(rest[2:]))
        return self.give(asked, file.read_bytes(), body, {"ETag": f'"{tag(file)}"'})

    def refuse(self, asked, status, why):
        asked.send_response(status)
        asked.send_header("X-Error-Code", why)
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    def give(self, asked, content, body, headers=None):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        asked.send_response(200)
        for name, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(content)),
                            **(headers or {})}.items():  # fmt: skip
            asked.send_header(name, value)
        asked.end_headers()
        if body:
            asked.wfile.write(content)


def tag(file):
    """A file's name in the cache."""
    return hashlib.sha1(file.read_bytes()).hexdigest()
