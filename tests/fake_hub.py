"""A local stand-in for the Hugging Face hub: repositories, their commits, and the requests that came."""

import hashlib
import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


class FakeHub:
    """Serves info, tree and files of one repository and of those `beside` it. Use as a context manager.

    `main` is the last commit. Safetensors are in LFS: their SHA-256 is stated, and names them in caches.
    """

    def __init__(
        self, repository: str, files: dict[str, bytes], kind: str = "datasets", beside: "tuple[FakeHub, ...]" = ()
    ) -> None:
        self.repository = repository
        self.kind = kind
        self.beside = beside
        self.commits: dict[str, dict[str, bytes]] = {}
        self.requests: list[str] = []
        self.refusal: tuple[int, str] | None = None
        """An HTTP status and the hub's error code, answered to every request."""
        self.delay = 0.0
        """Seconds before any answer."""
        self.ranges: list[str] = []
        """The ranges that were asked for."""
        self.cut: int | None = None
        """Bytes of a file in LFS after which the connection breaks and the hub is down."""
        self.stated: dict[str, str] = {}
        """SHA-256 that are stated, right or wrong, for the content that has another."""
        self.main = self.push(files)

    def push(self, files: dict[str, bytes]) -> str:
        """Make a commit, move `main` to it, and return its hash."""
        content = b"".join(name.encode() + data for name, data in sorted(files.items()))
        self.main = hashlib.sha1(content).hexdigest()
        self.commits[self.main] = files
        return self.main

    def __enter__(self) -> "FakeHub":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request's path."""
        time.sleep(self.delay)
        if self.refusal:
            return self.refusal[0], {"X-Error-Code": self.refusal[1]}, b"{}"
        for other in self.beside:
            if other.repository in path:
                return other.answer(path)
        api = f"/api/{self.kind}/{self.repository}"
        resolve = f"{'/datasets' if self.kind == 'datasets' else ''}/{self.repository}/resolve/"
        if path == api:
            return self._info("main")
        if path.startswith(f"{api}/revision/"):
            return self._info(path.removeprefix(f"{api}/revision/"))
        if path.startswith(f"{api}/tree/"):
            return self._tree(path.removeprefix(f"{api}/tree/"))
        if path.startswith(resolve):
            return self._file(*path.removeprefix(resolve).split("/", 1))
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"

    def _commit(self, revision: str) -> str | None:
        commit = self.main if revision == "main" else revision
        return commit if commit in self.commits else None

    def _info(self, revision: str) -> tuple[int, dict[str, str], bytes]:
        commit = self._commit(revision)
        if commit is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        siblings = [
            {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(data).hexdigest(), **self._lfs(name, data)}
            for name, data in self.commits[commit].items()
        ]
        return 200, {}, json.dumps({"id": self.repository, "sha": commit, "siblings": siblings}).encode()

    def _tree(self, revision: str) -> tuple[int, dict[str, str], bytes]:
        commit = self._commit(revision)
        if commit is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        entries = [
            {
                "type": "file",
                "path": name,
                "size": len(data),
                "oid": hashlib.sha1(data).hexdigest(),
                **({"lfs": {**lfs, "oid": lfs["sha256"]}} if (lfs := self._lfs(name, data).get("lfs")) else {}),
            }
            for name, data in self.commits[commit].items()
        ]
        return 200, {}, json.dumps(entries).encode()

    def _lfs(self, name: str, data: bytes) -> dict[str, dict[str, str | int]]:
        if not name.endswith(".safetensors"):
            return {}
        sha256 = hashlib.sha256(data).hexdigest()
        return {"lfs": {"sha256": self.stated.get(sha256, sha256), "size": len(data), "pointerSize": 135}}

    def _file(self, revision: str, name: str) -> tuple[int, dict[str, str], bytes]:
        commit = self._commit(revision)
        if commit is None or name not in self.commits[commit]:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        data = self.commits[commit][name]
        etag = self._lfs(name, data).get("lfs", {}).get("sha256", hashlib.sha1(data).hexdigest())
        return 200, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'}, data


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            hub.requests.append(f"{self.command} {path}")
            status, headers, body = hub.answer(path)
            if status == 200 and (asked := self.headers.get("Range")):
                hub.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                headers = {**headers, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
                status, body = 206, body[start:]
            cut = hub.cut if self.command == "GET" and path.endswith(".safetensors") and status < 300 else None
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                with suppress(ConnectionError):  # a client that didn't wait
                    self.wfile.write(body[:cut])
            if cut is not None:
                hub.cut, hub.refusal, self.close_connection = None, (503, ""), True

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler
