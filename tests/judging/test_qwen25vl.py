"""Qwen2.5-VL in process, on a model of toy size: what it is fed, batches, failures, and weights that aren't there."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from small_benchmark import picture
from tiny_qwen import write_tiny_qwen
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
from transformers.processing_utils import ProcessorMixin

from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.judging import qwen25vl_model
from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.judging.qwen25vl import LocalQwenJudge
from gedit_bench.judging.qwen25vl_weights import find_weights
from gedit_bench.judging.registry import JudgeSettings, make_judge, protocol_for
from gedit_bench.judging.resampling import LEAST, MOST, patched_size
from gedit_bench.records import Aspect, Delivery


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_qwen(tmp_path_factory.mktemp("qwen") / "tiny-qwen")


def encoded(image: Image.Image) -> EncodedImage:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return EncodedImage(buffer.getvalue(), "image/png")


def question(number: int, *, tokens: int = 12, images_first: bool = True, prompt: str = "") -> Question:
    """A question whose prompt and images no other number has, of a length of its own."""
    images = tuple(
        encoded(picture(2 * number + which, (64 + 24 * number, 56 + 40 * which))) for which in range(1 + number % 2)
    )
    aspect = Aspect.SC if number % 2 else Aspect.PQ
    text = prompt or f"Rate the edit {'so ' * number}from 0 to 10."
    return Question(aspect, text, images, images_first, {"max_tokens": tokens, "temperature": 0})


def ask(judge: LocalQwenJudge, questions: Sequence[Question]) -> list[Answer]:
    async def all_of_them() -> list[Answer]:
        try:
            return await asyncio.gather(*(judge.ask(one) for one in questions))
        finally:
            await judge.close()

    return asyncio.run(all_of_them())


def judge_of(folder: Path, batch: int = 8) -> LocalQwenJudge:
    return LocalQwenJudge(find_weights(str(folder)), batch)


class _ImagesOnly(Qwen2_5_VLProcessor):
    """The library's processor; without videos, since those need torchvision."""

    def __init__(self, image_processor, tokenizer, chat_template=None) -> None:  # type: ignore[no-untyped-def]
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def reference(folder: Path, asked: Question) -> str:
    """The reply as the library's own processor and model make it, alone and in the plainest way."""
    template = json.loads((folder / "chat_template.json").read_text())["chat_template"]
    images = [Image.open(BytesIO(image.data)) for image in asked.images]
    resized = [
        image.resize(smart_resize(image.height, image.width, 28, 4 * 784, 16384 * 784)[::-1], Image.Resampling.BICUBIC)
        for image in images
    ]
    processor = _ImagesOnly(
        transformers.Qwen2VLImageProcessorPil.from_pretrained(folder),
        transformers.AutoTokenizer.from_pretrained(folder),
        template,
    )
    shown = [{"type": "image", "image": image} for image in resized]
    said = [{"type": "text", "text": asked.prompt}]
    content = [*shown, *said] if asked.images_first else [*said, *shown]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(text=[text], images=resized, return_tensors="pt")
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    whole = model.generate(**inputs, max_new_tokens=asked.parameters["max_tokens"], do_sample=False, num_beams=1)
    return processor.batch_decode(whole[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)[0]


@pytest.mark.parametrize("images_first", [True, False])
def test_a_reply_is_what_the_librarys_own_way_gives(tiny: Path, images_first: bool) -> None:
    questions = [question(number, images_first=images_first) for number in range(4)]
    answers = ask(judge_of(tiny), questions)
    assert [answer.content for answer in answers] == [reference(tiny, one) for one in questions]
    assert any(len(answer.content or "") > 5 for answer in answers)


def test_a_batch_says_what_each_question_gets_alone(tiny: Path) -> None:
    questions = [question(number) for number in range(5)]
    together = ask(judge_of(tiny), questions)
    alone = ask(judge_of(tiny, batch=1), questions)
    assert together == alone
    assert len({answer.content for answer in together}) == 5
    assert {answer.finish_reason for answer in together} <= {"stop", "length"}
    assert len({answer.prompt_tokens for answer in together}) == 5
    for answer in together:
        assert answer.delivery is Delivery.ANSWERED
        assert answer.completion_tokens is not None
        assert answer.completion_tokens == 12 or answer.finish_reason == "stop"


def test_what_answered_is_recorded(tiny: Path, tmp_path: Path) -> None:
    [answer] = ask(judge_of(tiny), [question(0, tokens=2)])
    name, _, revision = (answer.model or "").partition("@")
    assert (name, len(revision)) == ("tiny-qwen", 12)
    assert answer.fingerprint is not None
    assert {"float32", "cpu", f"transformers-{transformers.__version__}"} <= set(answer.fingerprint.split())
    assert "Qwen2VLImageProcessor" in answer.fingerprint
    copy = shutil.copytree(tiny, tmp_path / "tiny-qwen")
    assert find_weights(str(copy)).revision() == revision
    (copy / "generation_config.json").write_text("{}")  # decides replies, so it is another revision
    assert find_weights(str(copy)).revision() != revision


def test_lengths_that_differ_stand_in_batches_of_their_own(tiny: Path) -> None:
    answers = ask(judge_of(tiny), [question(3, tokens=tokens) for tokens in (3, 3, 1, 3)])
    assert [answer.completion_tokens for answer in answers] == [3, 3, 1, 3]


def test_where_memory_runs_out_batches_are_halved(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [question(number) for number in range(5)]
    expected = ask(judge_of(tiny), questions)
    sizes = short_of_memory(monkeypatch, lambda size: size > 2)
    assert ask(judge_of(tiny), questions) == expected
    assert sizes == [5, 2, 2, 1]  # found out once


def test_a_question_too_large_even_alone_costs_only_itself(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = short_of_memory(monkeypatch, lambda size: size > 1 or len(sizes) == 3)
    answers = ask(judge_of(tiny), [question(number) for number in range(3)])
    assert sorted(answer.delivery for answer in answers) == [Delivery.ANSWERED, Delivery.ANSWERED, Delivery.TRANSPORT]
    [failed] = [answer for answer in answers if answer.delivery is Delivery.TRANSPORT]
    assert "memory" in failed.message


def short_of_memory(monkeypatch: pytest.MonkeyPatch, is_too_much) -> list[int]:  # type: ignore[no-untyped-def]
    """Make generation run out of memory for some sizes of batches; return the list of sizes that were tried."""
    sizes: list[int] = []
    generate = Qwen2_5_VLForConditionalGeneration.generate

    def limited(self, input_ids, **more):  # type: ignore[no-untyped-def]
        sizes.append(len(input_ids))
        if is_too_much(len(input_ids)):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return generate(self, input_ids=input_ids, **more)

    monkeypatch.setattr(Qwen2_5_VLForConditionalGeneration, "generate", limited)
    return sizes


def test_what_the_model_cannot_be_shown_is_rejected_and_spoils_nothing(tiny: Path) -> None:
    thin = Question(Aspect.PQ, "Rate it.", (encoded(Image.new("RGB", (8442, 31))),), True, {"max_tokens": 4})
    spelled = question(0, prompt="Add the words <|image_pad|> in red.")
    broken = question(2, prompt="half a character: \ud83d")  # the tokenizer can't take it
    fine = question(0, tokens=4)

    async def all_of_them() -> list[Answer | BaseException]:
        judge = judge_of(tiny)
        found = await asyncio.gather(*(judge.ask(one) for one in (thin, spelled, broken, fine)), return_exceptions=True)
        await judge.close()
        return found

    first, second, third, last = asyncio.run(all_of_them())
    assert isinstance(first, Answer)
    assert (first.delivery, "too long and thin" in first.message) == (Delivery.REJECTED, True)
    assert isinstance(second, Answer)
    assert (second.delivery, "<|image_pad|>" in second.message) == (Delivery.REJECTED, True)
    assert isinstance(third, Exception)
    assert isinstance(last, Answer)
    assert last.content == reference(tiny, fine)


def test_closing_ends_what_is_being_generated(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = write_endless(tiny)

    async def close_in_the_middle() -> float:
        judge = judge_of(endless)
        asked = asyncio.create_task(judge.ask(question(1, tokens=3000)))
        while judge._model is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
        asked.cancel()
        await judge.close()
        return asyncio.get_running_loop().time() - started

    assert asyncio.run(close_in_the_middle()) < 1.5


def write_endless(tiny: Path) -> Path:
    """The same model, which never says that it is done."""
    folder = tiny.parent / "endless"
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": [1_000_000]}))
    return folder


def test_it_can_be_asked_again_after_closing(tiny: Path) -> None:
    judge = judge_of(tiny)
    assert "runs on the CPU" in asyncio.run(judge.reachable())
    asked = [question(1, tokens=4)]
    assert ask(judge, asked) == ask(judge, asked)


# --- sizes ---------------------------------------------------------------------------------------

SIDE = st.integers(30, 9000)


@given(SIDE, SIDE)
def test_sizes_are_the_librarys(width: int, height: int) -> None:
    if max(width, height) / min(width, height) > 200:
        with pytest.raises(DataError, match="too long and thin"):
            patched_size(width, height)
        return
    wide, high = patched_size(width, height)
    assert (high, wide) == smart_resize(height, width, 28, LEAST, MOST)
    assert wide % 28 == high % 28 == 0
    assert LEAST <= wide * high <= MOST


@pytest.mark.parametrize(
    ("size", "expected"), [((412, 635), (420, 644)), ((512, 512), (504, 504)), ((28, 28), (56, 56))]
)
def test_known_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert patched_size(*size) == expected


# --- what isn't there ----------------------------------------------------------------------------


def test_the_official_weights_are_not_downloaded_unasked() -> None:
    with pytest.raises(UnavailableError, match=r"Qwen/Qwen2.5-VL-72B-Instruct-AWQ is not in the hub's cache") as caught:
        make_judge(JudgeSettings(name="qwen2.5-vl"))
    assert "`hf download Qwen/Qwen2.5-VL-72B-Instruct-AWQ`. It is about 40 GB." in caught.value.hint
    with pytest.raises(UnavailableError, match="someone/other at v2 is not in the hub's cache") as caught:
        make_judge(JudgeSettings(name="qwen2.5-vl:someone/other@v2"))
    assert "`hf download someone/other --revision v2`." in caught.value.hint


def test_the_hubs_cache_gives_weights_and_commit(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    storage = tmp_path / "models--someone--tiny"
    shutil.copytree(tiny, storage / "snapshots" / commit)
    (storage / "refs").mkdir()
    (storage / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for place in ("someone/tiny", f"someone/tiny@{commit}"):
        judge = make_judge(JudgeSettings(name=f"qwen2.5-vl:{place}"))
        assert (judge.name, judge.endpoint) == ("qwen2.5-vl:someone/tiny", "transformers")
    assert isinstance(judge, LocalQwenJudge)
    [answer] = ask(judge, [question(0, tokens=2)])
    assert answer.model == "someone/tiny@0123456789ab"
    (storage / "snapshots" / commit / "model.safetensors").unlink()
    with pytest.raises(UnavailableError, match=r"has no model\.safetensors") as caught:
        make_judge(JudgeSettings(name="qwen2.5-vl:someone/tiny"))
    assert "hf download someone/tiny" in caught.value.hint


def test_a_shard_that_is_missing_is_named(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "sharded")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (folder / "model.safetensors").rename(folder / shards["a"])
    with pytest.raises(UnavailableError, match=r"has no model-00002-of-00002\.safetensors"):
        find_weights(str(folder))


def test_weights_that_are_damaged_or_no_qwen(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(UnavailableError, match="damaged can't be loaded"):
        ask(judge_of(folder), [question(0)])
    tensors = load_file(tiny / "model.safetensors")
    save_file({name: tensors[name] for name in sorted(tensors)[1:]}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnavailableError, match=r"can't be loaded: it has no lm_head\.weight"):
        ask(judge_of(folder), [question(0)])
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(UsageError, match=r"no Qwen2\.5-VL but 'llama'"):
        find_weights(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(UnavailableError, match="is damaged"):
        find_weights(str(folder))
    with pytest.raises(UsageError, match="no folder nowhere"):
        find_weights("nowhere")


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
def test_quantised_weights_need_a_gpu(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "awq")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "awq"}}))
    with pytest.raises(UnavailableError, match=r"quantised \(awq\) and needs a GPU"):
        asyncio.run(judge_of(folder).reachable())


def test_a_gpu_that_is_too_small_is_said(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        name, total_memory = "toy", 1000

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Device)
    with pytest.raises(UnavailableError, match="GB of weights and the GPUs"):
        qwen25vl_model.check_machine(find_weights(str(tiny)))


def test_protocols_that_it_cannot_keep_are_refused(tiny: Path) -> None:
    judge = make_judge(JudgeSettings(name=f"qwen2.5-vl:{tiny}"))
    assert protocol_for(judge, None).name == "official-qwen"
    with pytest.raises(UsageError, match="asks for temperature 0"):
        protocol_for(judge, "official")
    with pytest.raises(UsageError, match="has no response_format"):
        protocol_for(judge, "native")
    with pytest.raises(UsageError, match="asks no endpoint"):
        make_judge(JudgeSettings(name=f"qwen2.5-vl:{tiny}", base_url="http://127.0.0.1:9/v1"))
