"""An OpenAI-compatible judge on a local port that answers from a script and notes what it was sent."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Scripted:
    """One response. `drop` closes the connection without a word, `delay` is in seconds."""

    body: bytes | str | dict[str, Any] | list[Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False

    def encoded(self) -> bytes:
        body = json.dumps(self.body) if isinstance(self.body, dict | list) else self.body
        return body.encode() if isinstance(body, str) else body


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Response = Scripted | Callable[[Received], Scripted]


def completion(content: Any = '{"score": [8, 9]}', finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "judge-2025-04-14",
        "system_fingerprint": "fp_1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 40, "total_tokens": 1040},
    }


def error(message: str = "no", code: Any = None, kind: Any = None, **more: Any) -> dict[str, Any]:
    """An error as OpenAI sends it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # five is the default, and the system resets what doesn't fit
    daemon_threads = True


class ScriptedJudge:
    """Plays its script, then repeats the last response. `url` is the base URL.

    A response may be a function of what was received.
    """

    def __init__(self, *script: Response) -> None:
        self.script: list[Response] = list(script) or [Scripted(completion())]
        self.received: list[Received] = []
        self._released = threading.Event()
        judge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                judge._answer(self)

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # a client that hangs up is no news
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        received = Received(handler.command, handler.path, headers, body)
        self.received.append(received)
        response = self.script[min(len(self.received), len(self.script)) - 1]
        if not isinstance(response, Scripted):
            response = response(received)
        self._released.wait(response.delay)
        if response.drop:
            handler.close_connection = True
            return
        data = response.encoded()
        try:
            handler.send_response(response.status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data))}.items():
                if name not in response.headers:
                    handler.send_header(name, value)
            for name, value in response.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
