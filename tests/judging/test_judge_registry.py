"""How `--judge` becomes a judge: built in, in a file, in an installed plug-in, or behind an endpoint."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_benchmark import editing, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, edit, judge
from gedit_bench.errors import UsageError
from gedit_bench.judging.offline import OfflineJudge
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.judging.registry import judge_words, make_judge
from gedit_bench.records import ReplyStatus

CODE = '''
from gedit_bench import Answer, Delivery, Judge

class Lenient(Judge):
    """Likes everything."""

    def __init__(self, settings):
        super().__init__(f"lenient-{settings.argument or 'plain'}", "local")

    async def ask(self, question):
        return Answer(delivery=Delivery.ANSWERED, content='{"score": [9, 10]}', model="lenient-1")

def lenient(settings):
    """Likes everything, as a function."""
    return Lenient(settings)

def no_judge(settings):
    return 3
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A distribution on the path that offers judges."""
    (tmp_path / "lenient_plugin.py").write_text(CODE)
    info = tmp_path / "lenient_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lenient-plugin\nVersion: 1.0\n")
    points = ("lenient = lenient_plugin:Lenient", "made = lenient_plugin:lenient", "three = lenient_plugin:no_judge")
    broken = ("gone = no_such_module:x", "offline = lenient_plugin:Lenient")
    (info / "entry_points.txt").write_text("\n".join(("[gedit_bench.judges]", *points, *broken)) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "lenient"
    sys.modules.pop("lenient_plugin", None)


def settings(name: str, **more: object) -> JudgeSettings:
    return JudgeSettings(name=name, **more)


def test_an_installed_plugin_is_a_judge(plugin: str) -> None:
    assert make_judge(settings(plugin)).name == "lenient-plain"
    assert make_judge(settings(f"{plugin}:very:much")).name == "lenient-very:much"
    assert make_judge(settings("made")).name == "lenient-plain"
    with pytest.raises(UsageError, match="'three' made a int, no Judge"):
        make_judge(settings("three"))


def test_judges_are_listed_with_a_line_each(plugin: str) -> None:
    words = judge_words()
    assert {"offline", "qwen2.5-vl", "replay"} <= set(words)
    assert all(words.values())
    assert (words["lenient"], words["made"]) == ("Likes everything.", "Likes everything, as a function.")
    assert words["gone"] == "can't be loaded: No module named 'no_such_module'"


def test_a_plugin_cannot_take_a_built_in_name(plugin: str) -> None:
    assert isinstance(make_judge(settings("offline")), OfflineJudge)


def test_any_other_name_is_a_model_behind_an_endpoint() -> None:
    for name in ("some-model", "llava:34b", "Qwen/Qwen2.5-VL-72B-Instruct-AWQ"):
        made = make_judge(settings(name, base_url="http://127.0.0.1:9/v1"))
        assert isinstance(made, OpenAICompatibleJudge)
        assert made.name == name


def test_a_class_in_a_file_needs_no_packaging_and_its_code_is_part_of_the_judge(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    made = make_judge(settings(f"{path}:Lenient"))
    path.write_text(CODE + "\n# changed\n")
    changed = make_judge(settings(f"{path}:Lenient"))
    assert made.name == changed.name
    assert made.endpoint.startswith("local-")
    assert made.endpoint != changed.endpoint
    with pytest.raises(UsageError, match="no Judge called 'Lenent'") as caught:
        make_judge(settings(f"{path}:Lenent"))
    assert "Lenient" in caught.value.hint
    with pytest.raises(UsageError, match="doesn't say which class"):
        make_judge(settings(str(path)))
    with pytest.raises(UsageError, match="no file"):
        make_judge(settings(f"{tmp_path / 'gone.py'}:Lenient"))


def test_a_plugin_judges_a_run(plugin: str, tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "benchmark")
    run = edit("identity", selection(data, limit=1, tasks=("ps_human",)), editing(tmp_path / "results"))
    scored = judge(run, judging=Judging(judge=settings(plugin), protocol="native"))
    assert [verdict.sc.score for verdict in scored.verdicts if verdict.sc] == [9, 9]
    assert {reading.status for verdict in scored.verdicts for reading in (verdict.sc, verdict.pq) if reading} == {
        ReplyStatus.OK
    }
    assert scored.judgement.manifest.judge_id == "lenient-plain@local"
    assert asyncio.run(make_judge(settings(plugin)).reachable())
