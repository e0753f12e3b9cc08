"""What each protocol asks: its request id, and the very bytes that reach a server."""

import asyncio
import io
import json
from base64 import b64encode
from pathlib import Path

import pytest
from PIL import Image
from scripted_judge import Scripted, ScriptedJudge, completion
from small_benchmark import editing, selection, write_benchmark

from gedit_bench import api
from gedit_bench.api import Judging
from gedit_bench.engine.triple import judge_triple
from gedit_bench.judging import official_rubric
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.judging.protocol import PROTOCOLS, Protocol, Rubric
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.store.manifest import short_hash

RUBRIC = Rubric("follow <instruction>\n", "quality\n")

FROZEN = {
    "official": "official-0552d354",
    "official-qwen": "official-qwen-20fd5f56",
    "lmms-eval": "lmms-eval-ed265e3c",
    "evalscope": "evalscope-d0fa00b3",
    "native": "native-dda902ee",
    "pixels": "pixels-b0c2189d",
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # no test speaks TLS
    monkeypatch.setenv("OPENAI_API_KEY", "correct-horse-battery")


def test_request_ids_are_frozen() -> None:
    """Replies that were paid for are found by these; a new field must not change them."""
    assert {name: protocol.request_id(RUBRIC) for name, protocol in PROTOCOLS.items()} == FROZEN


@pytest.mark.parametrize(
    ("name", "expected"), [("official", "4d6e6501"), ("official-qwen", "85bff867"), ("lmms-eval", "9f2b55e4")]
)
def test_ids_with_the_official_rubric_are_frozen(name: str, expected: str) -> None:
    request = PROTOCOLS[name].request(RUBRIC) | {"rubric_sha256": official_rubric.HASHES}
    assert short_hash(request) == expected


def test_each_field_is_in_the_request_id() -> None:
    base = PROTOCOLS["official"]
    changes = (
        {"source": "input"},
        {"preparation": "bytes-as-they-are"},
        {"encoding": "png"},
        {"images_first": True},
        {"image_detail": "auto"},
        {"parameters": {"max_tokens": 1}},
    )
    fields = {name: getattr(base, name) for name in Protocol.__slots__}
    ids = [Protocol(**fields | change).request_id(RUBRIC) for change in changes]
    ids += [base.request_id(RUBRIC), base.request_id(Rubric(RUBRIC.sc, "quality"))]
    assert len(set(ids)) == len(changes) + 2


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


async def bodies(name: str, folder: Path, source: bytes, edit: bytes) -> list[bytes]:
    """The bodies of both requests about an edit, as they reached a server."""
    (folder / "source").write_bytes(source)
    (folder / "edit").write_bytes(edit)
    with ScriptedJudge(Scripted(completion())) as server:
        judge = OpenAICompatibleJudge("m", base_url=server.url, retry_for=5)
        found = await judge_triple(judge, PROTOCOLS[name], RUBRIC, (folder / "source", folder / "edit"), "paint it")
        assert {reading.score for reading, _ in found.values()} == {8}
        return [request.body for request in server.received]


def body(images: list[tuple[str, bytes]], text: str, detail: str | None, **parameters: object) -> bytes:
    """A request with the images first."""
    content: list[dict[str, object]] = []
    for kind, data in images:
        url: dict[str, str] = {"url": f"data:{kind};base64,{b64encode(data).decode()}"}
        content.append({"type": "image_url", "image_url": url | ({"detail": detail} if detail else {})})
    content.append({"type": "text", "text": text})
    request = {"model": "m", "messages": [{"role": "user", "content": content}], **parameters}
    return json.dumps(request, separators=(",", ":")).encode()


def saved(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def test_official_qwen_to_the_byte(tmp_path: Path) -> None:
    source, edit = Image.new("RGB", (640, 416), "navy"), Image.new("RGB", (416, 640), "teal")
    shown = [("image/png", saved(source.resize((635, 412)))), ("image/png", saved(edit.resize((412, 635))))]
    settings = {"max_tokens": 512, "temperature": 0}
    assert asyncio.run(bodies("official-qwen", tmp_path, png(source), png(edit))) == [
        body(shown, "follow paint it\n", None, **settings),
        body(shown[1:], "quality\n", None, **settings),
    ]


def test_lmms_eval_to_the_byte(tmp_path: Path) -> None:
    source = Image.new("RGBA", (640, 416), (9, 8, 7, 6))
    edit = Image.new("RGBA", (416, 640), (200, 100, 50, 0))
    shown = [
        ("image/png", saved(source.resize((635, 412)))),
        ("image/png", saved(edit.convert("RGB").resize((412, 635)))),
    ]
    settings = {"max_tokens": 512, "temperature": 0.1}
    assert asyncio.run(bodies("lmms-eval", tmp_path, png(source), png(edit))) == [
        body(shown, "follow paint it\n", None, **settings),
        body(shown[1:], "quality\n", None, **settings),
    ]


def test_evalscope_to_the_byte(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (700, 30), "teal").save(buffer, format="WEBP")
    source, edit = png(Image.new("P", (640, 416))), buffer.getvalue()
    shown = [("image/png", source), ("image/webp", edit)]
    settings = {"max_tokens": 4096, "temperature": 0.0}
    assert asyncio.run(bodies("evalscope", tmp_path, source, edit)) == [
        body(shown, "follow paint it\n", "auto", **settings),
        body(shown[1:], "quality\n", "auto", **settings),
    ]
    mislabelled = asyncio.run(bodies("evalscope", tmp_path, edit, edit))[0]
    assert mislabelled == body([("image/png", edit), ("image/webp", edit)], "follow paint it\n", "auto", **settings)


def test_a_run_is_shown_the_protocols_own_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark's `input_image` as its file stands in the dataset, and the run's own file beside it."""
    data = write_benchmark(tmp_path / "data", languages=("en",))
    run = api.edit("identity", selection(data, tasks=("ps_human",)), editing(tmp_path / "out"))
    [sample] = run.samples()
    benchmark = api.selected(run.path, selection(data))[0]
    monkeypatch.setattr("gedit_bench.settling.judges.load_rubric", lambda *_, **__: RUBRIC)
    models = Scripted({"object": "list", "data": [{"id": "m"}]})
    with ScriptedJudge(models, Scripted(completion())) as server:
        settings = JudgeSettings(name="m", base_url=server.url)
        scored = api.judge(run, judging=Judging(judge=settings, protocol="evalscope"))
        received = [json.loads(request.body) for request in server.received if request.method == "POST"]
    assert scored.verdicts[0].overall == 8
    [sc] = [one for one in received if len(one["messages"][0]["content"]) == 3]
    urls = [part["image_url"]["url"] for part in sc["messages"][0]["content"][:2]]
    source, edit = benchmark.image_bytes(sample, "input"), run.image_path(run.edits()[sample.id]).read_bytes()
    assert urls == [f"data:image/png;base64,{b64encode(one).decode()}" for one in (source, edit)]
