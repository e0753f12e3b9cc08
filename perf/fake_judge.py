"""An OpenAI-compatible judge with a fixed latency and, if asked for, faults. Loopback only.

    python perf/fake_judge.py --port 8901 --latency 0.05 --faults 429:0.05,refusal:0.02

Scores are a pure function of the request's bytes; faults are one of the bytes and of how often they
were seen, so that asking again can succeed; with `--faults-for 60` they end a minute after the first request.
`GET /stats` counts requests, bytes and faults, and tells the seconds from the first request to the last; `POST /reset`
begins these counts anew.
"""

import argparse
import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from aiohttp import web

Json = dict[str, object]


def completion(content: str | None, finish: str = "stop", refusal: str | None = None) -> Json:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "model": "fake-judge-1",
        "system_fingerprint": "fp_fake",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 40, "total_tokens": 1040},
    }


def error(message: str, code: object) -> Json:
    return {"error": {"message": message, "type": None, "param": None, "code": code}}


def scores(crc: int) -> str:
    return json.dumps({"score": [crc % 11, (crc >> 8) % 11], "reasoning": "Measured by nobody."})


def answer(payload: Json | str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    kind = "text/html" if isinstance(payload, str) else "application/json"
    return web.Response(text=text, status=status, content_type=kind, headers=headers)


FAULTS: dict[str, Callable[[str], web.Response]] = {
    "429": lambda _: answer(error("Rate limit reached", "rate_limit_exceeded"), 429, {"Retry-After": "0.2"}),
    "500": lambda _: answer(error("The server had an error", "server_error"), 500),
    "html": lambda _: answer("<html><body>502 Bad Gateway</body></html>", 502),
    "filter": lambda _: answer(error("Filtered by content management policy.", "content_filter"), 400),
    "policy": lambda _: answer(error("Rejected by the safety system.", "content_policy_violation"), 400),
    "vllm400": lambda _: answer(
        {"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}, 400
    ),
    "refusal": lambda _: answer(completion("I'm sorry, but I can't help with that.")),
    "empty": lambda _: answer(completion("")),
    "null": lambda _: answer(completion(None, "content_filter", "I can't help with that.")),
    "trunc": lambda good: answer(completion(good[:-20], "length")),
    "badjson": lambda _: answer(completion('{"score": [8, 9], "reasoning": "the text "SALE" is gone"}')),
    "fence": lambda good: answer(completion(f"Here is my evaluation:\n```json\n{good}\n```\nDone.")),
    "strings": lambda _: answer(completion('{"score": ["8", "9"], "reasoning": "x"}')),
    "range": lambda _: answer(completion('{"score": [85, 90], "reasoning": "x"}')),
}
HANG, DROP = "hang", "drop"
HANG_SECONDS = 30.0


@dataclass
class FakeJudge:
    """The judge; `faults` maps kinds to their share of the requests, within so many seconds of the first."""

    latency: float = 0.0
    faults: dict[str, float] = field(default_factory=dict)
    faults_for: float = float("inf")
    began: float | None = None
    seen: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak: int = 0
    cap: int | None = None
    first: float | None = None
    last: float = 0.0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/stats", self.stats)
        app.router.add_post("/reset", self.reset)
        return app

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        crc = zlib.crc32(body)
        full = self.cap is not None and self.in_flight >= self.cap
        kind = "429" if full else self._fault(crc)
        self.counts.update({"requests": 1, "bytes": len(body), f"fault {kind}" if kind else "good": 1})
        self.in_flight += 1
        self.first = self.first or monotonic()
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(HANG_SECONDS if kind == HANG else 0 if full else self.latency)
        finally:
            self.in_flight -= 1
            self.last = monotonic()
        if kind in (HANG, DROP):
            if request.transport is not None:
                request.transport.close()
            raise ConnectionResetError
        good = scores(crc)
        return FAULTS[kind](good) if kind else answer(completion(good))

    async def models(self, _: web.Request) -> web.Response:
        return answer({"object": "list", "data": [{"id": "fake-judge", "object": "model"}]})

    async def stats(self, _: web.Request) -> web.Response:
        seconds = self.last - (self.first or self.last)
        return answer({**self.counts, "in_flight_peak": self.peak, "seconds": round(seconds, 3)})

    async def reset(self, _: web.Request) -> web.Response:
        self.counts.clear()
        self.peak, self.first = self.in_flight, None
        return answer({})

    def _fault(self, crc: int) -> str | None:
        self.began = self.began or monotonic()
        if monotonic() - self.began > self.faults_for:
            return None
        seen = self.seen[crc]
        self.seen[crc] += 1
        share = zlib.crc32(b"%d:%d" % (crc, seen)) % 1_000_000 / 1e6
        for kind, part in self.faults.items():
            if share < part:
                return kind
            share -= part
        return None


def parse_faults(text: str) -> dict[str, float]:
    pairs = (part.split(":") for part in text.split(",") if part)
    return {kind: float(share) for kind, share in pairs}


async def serve(judge: FakeJudge, port: int) -> None:
    runner = web.AppRunner(judge.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--faults-for", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--cap", type=int, help="requests in flight above which it answers 429")
    given = parser.parse_args()
    judge = FakeJudge(given.latency, parse_faults(given.faults), given.faults_for, cap=given.cap)
    asyncio.run(serve(judge, given.port))
