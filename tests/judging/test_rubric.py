"""Where rubrics come from, and that nothing but the official text passes for it.

The official text isn't in this repository. Where a test needs a file that passes, it writes one of
its own and lets the harness expect that one's hashes; the slow test fetches the real one.
"""

import hashlib
import logging
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_judge import Scripted, ScriptedJudge

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging import official_rubric, text_sources
from gedit_bench.judging.protocol import Rubric
from gedit_bench.judging.rubric import PIXELS, find_rubric, load_rubric
from gedit_bench.records import Aspect

SC = "ctx\n\ntwo images\n\nfollow <instruction>\n"
PQ = "ctx\n\nquality \n"
SOURCE = b'''import os
os.abort()
unused = [1, 2]
_context_no_delimit = """ctx
"""
_prompts_0shot_two_image_edit_rule = """two images
"""
_prompts_0shot_tie_rule_SC = "follow <instruction>\\n"
_prompts_0shot_rule_PQ = "quality \\n"
'''
PLACE = "GEdit-Bench/viescore/vie_prompts.py"
IN_WHEEL = "lmms_eval/tasks/gedit_bench/viescore/vie_prompts.py"


@pytest.fixture(autouse=True)
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache, no package index, no installed lmms-eval."""
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path / "cache" / "rubrics" / "vie_prompts.py"


@pytest.fixture
def ours_is_official(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = {"sc": hashlib.sha256(SC.encode()).hexdigest(), "pq": hashlib.sha256(PQ.encode()).hexdigest()}
    monkeypatch.setattr(official_rubric, "HASHES", hashes)


def write(path: Path, source: bytes = SOURCE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source)
    return path


def archive(path: Path, member: str, source: bytes = SOURCE) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, source)
        file.writestr("other.py", b"x")
    return path


def install(monkeypatch: pytest.MonkeyPatch, site: Path, source: bytes = SOURCE) -> None:
    write(site / IN_WHEEL, source)
    write(site / "lmms_eval-0.7.3.dist-info/METADATA", b"Metadata-Version: 2.1\nName: lmms_eval\nVersion: 0.7.3\n")
    write(site / "lmms_eval-0.7.3.dist-info/RECORD", f"{IN_WHEEL},,\nlmms_eval/__init__.py,,\n".encode())
    monkeypatch.syspath_prepend(str(site))


# --- --rubric PATH ------------------------------------------------------------------------------


@pytest.mark.usefixtures("ours_is_official")
@pytest.mark.parametrize("place", ["vie_prompts.py", "viescore/vie_prompts.py", PLACE, IN_WHEEL])
def test_a_folder_is_a_checkout(tmp_path: Path, place: str, cached: Path) -> None:
    write(tmp_path / "checkout" / place)
    found = find_rubric("official", tmp_path / "checkout")
    assert found.rubric == Rubric(sc=SC, pq=PQ)
    assert found.where == str(tmp_path / "checkout" / place)
    assert not cached.exists()


@pytest.mark.usefixtures("ours_is_official")
def test_a_file_and_archives(tmp_path: Path) -> None:
    expected = Rubric(sc=SC, pq=PQ)
    assert load_rubric("official", write(tmp_path / "renamed.txt")) == expected
    assert load_rubric("official", archive(tmp_path / "a.whl", IN_WHEEL)) == expected
    assert load_rubric("official", archive(tmp_path / "b.zip", f"Step1X-Edit-95fe/{PLACE}")) == expected


@pytest.mark.usefixtures("ours_is_official")
def test_windows_line_ends_make_no_difference(tmp_path: Path) -> None:
    path = write(tmp_path / "vie_prompts.py", SOURCE.replace(b"\n", b"\r\n"))
    assert load_rubric("official", path) == Rubric(sc=SC, pq=PQ)


@pytest.mark.usefixtures("ours_is_official")
def test_of_several_copies_the_official_one_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "vie_prompts.py", SOURCE.replace(b"quality ", b"quality"))
    write(tmp_path / PLACE)
    assert find_rubric("official", tmp_path).where.endswith(PLACE)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (SOURCE, "its SC text is not the official one"),
        (SOURCE.replace(b"_rule_PQ", b"_rule_QP"), "it has no text called _prompts_0shot_rule_PQ"),
        (SOURCE.replace(b'"quality \\n"', b'open("/etc/passwd").read()'), "no text called _prompts_0shot_rule_PQ"),
        (b"", "it has no text called _context_no_delimit"),
        (b"this is { no Python", "it is no Python file"),
        (b"x = 1\x00", "it is no Python file"),
        (b"\xff\xfe", "it is no Python file"),
        (b"(" * 50_000, "it is no Python file"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_what_is_wrong(tmp_path: Path, source: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        load_rubric("official", write(tmp_path / "vie_prompts.py", source))
    assert "--rubric" in caught.value.hint


@pytest.mark.usefixtures("ours_is_official")
def test_one_blank_matters(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PQ text is not the official one"):
        load_rubric("official", write(tmp_path / "v.py", SOURCE.replace(b"quality ", b"quality")))


@pytest.mark.usefixtures("ours_is_official")
def test_a_known_lookalike_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stripped = SOURCE.replace(b"quality ", b"quality")
    lookalike = hashlib.sha256(PQ.replace("quality ", "quality").encode()).hexdigest()
    monkeypatch.setitem(official_rubric._LOOKALIKES, lookalike, "EvalScope's, without trailing blanks")
    with pytest.raises(UsageError, match="PQ text is EvalScope's"):
        load_rubric("official", write(tmp_path / "v.py", stripped))


def test_what_holds_no_rubric(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it doesn't exist"):
        load_rubric("official", tmp_path / "nowhere")
    for empty in (tmp_path, archive(tmp_path / "x.zip", "README.md")):
        with pytest.raises(UsageError, match=r"there is no vie_prompts\.py in it"):
            load_rubric("official", empty)


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.whl", IN_WHEEL)
    path.write_bytes(path.read_bytes().replace(b"os.abort", b"os.retry"))
    with pytest.raises(UsageError, match="it can't be read"):
        load_rubric("official", path)


def test_an_explicit_path_is_never_replaced_by_the_cache(tmp_path: Path, cached: Path, ours_is_official: None) -> None:
    write(cached)
    with pytest.raises(UsageError):
        load_rubric("official", write(tmp_path / "v.py", b"x = 1"))


# --- Found without being told -------------------------------------------------------------------


@pytest.mark.usefixtures("ours_is_official")
def test_the_repository_is_asked_once_and_the_cache_is_checked(cached: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with ScriptedJudge(Scripted(SOURCE)) as server:
        address = f"http://127.0.0.1:{server.port}/root"
        assert find_rubric("official", address=address).where == "the official repository"
        assert server.received[0].path == f"/root/{PLACE}"
        assert cached.read_bytes() == SOURCE
        assert find_rubric("official", address=address).where == "the cache"
        assert len(server.received) == 1

        write(cached, SOURCE.replace(b"follow", b"ignore"))
        found = find_rubric("official", address=address)
        assert (found.where, found.rubric.sc) == ("the official repository", SC)
        assert "the cache: its SC text is not the official one" in caplog.text
        assert cached.read_bytes() == SOURCE


@pytest.mark.usefixtures("ours_is_official")
def test_an_installed_lmms_eval_is_read_and_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path / "site")
    found = find_rubric("official", fetch=False)
    assert (found.where, found.rubric) == ("the installed lmms-eval", Rubric(sc=SC, pq=PQ))
    assert "lmms_eval" not in sys.modules


@pytest.mark.usefixtures("ours_is_official")
def test_a_wrong_installation_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path / "site", SOURCE + b"_context_no_delimit = 'other'\n")
    with ScriptedJudge(Scripted(SOURCE)) as server:
        found = find_rubric("official", address=f"http://127.0.0.1:{server.port}")
    assert found.where == "the official repository"


@pytest.mark.usefixtures("ours_is_official")
def test_the_wheel_comes_last_and_its_hash_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "lmms_eval-0.7.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(IN_WHEEL, SOURCE)
        file.writestr("lmms_eval-0.7.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: lmms_eval\nVersion: 0.7.3\n")
        file.writestr("lmms_eval-0.7.3.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("lmms_eval-0.7.3.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with ScriptedJudge(Scripted("<html>", 503)) as server:
        address = f"http://127.0.0.1:{server.port}"
        with pytest.raises(UnavailableError, match="another file under the name"):
            load_rubric("official", address=address)
        monkeypatch.setattr(official_rubric, "_WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
        assert find_rubric("official", address=address).where == "the lmms-eval wheel"
        assert find_rubric("official", fetch=False).where == "the cache"


def test_nowhere_to_be_had() -> None:
    with ScriptedJudge(Scripted(SOURCE)) as server, pytest.raises(UnavailableError) as caught:
        load_rubric("official", address=f"http://127.0.0.1:{server.port}")
    said = str(caught.value)
    for part in ("the cache: not there yet", "not installed", "repository: its SC text", "pip couldn't download"):
        assert part in said
    assert caught.value.exit_code == 5
    assert "--rubric PATH" in caught.value.hint


def test_without_fetching_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(official_rubric, "urlopen", never)
    monkeypatch.setattr(text_sources.subprocess, "run", never)
    with pytest.raises(UnavailableError, match="not to be had"):
        load_rubric("official", fetch=False)


@pytest.mark.usefixtures("ours_is_official")
def test_a_cache_that_cannot_be_written_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(write(tmp_path / "file", b"") / "below"))
    with ScriptedJudge(Scripted(SOURCE)) as server:
        assert load_rubric("official", address=f"http://127.0.0.1:{server.port}").sc == SC
    assert "could not be kept" in caplog.text


@pytest.mark.slow
def test_the_real_wheel_gives_the_official_rubric(monkeypatch: pytest.MonkeyPatch, cached: Path) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    with ScriptedJudge(Scripted(b"", 503)) as server:
        try:
            found = find_rubric("official", address=f"http://127.0.0.1:{server.port}")
        except UnavailableError as error:
            if "pip couldn't download" not in str(error) and "pip didn't finish" not in str(error):
                raise
            pytest.skip("the package index can't be reached, so there is no lmms-eval wheel")
    assert found.where == "the lmms-eval wheel"
    assert found.rubric.hashes() == {
        "sc": "8f529562c2f89f8db51a3f7cc4d487686f676909c21010b67b0e65ec78150de5",
        "pq": "2473ff2c7406e06545c5c039ceb039ff2604ebacf150868a48f0bf07c9e733b0",
    }
    assert (len(found.rubric.sc), len(found.rubric.pq)) == (1512, 1184)
    assert found.rubric.sc.count("<instruction>") == 1
    assert "<instruction>" not in found.rubric.pq
    assert find_rubric("official", fetch=False).rubric == found.rubric
    shared = _runs(found.rubric.sc + found.rubric.pq) & _runs("".join(_texts(load_rubric("native"))))
    assert not shared, "the native rubric borrows the official one's words"


def _texts(rubric: Rubric) -> tuple[str, str]:
    return rubric.sc, rubric.pq


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


# --- Our own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", _texts(load_rubric("native")))
def test_the_native_rubric_asks_for_what_the_schema_wants(text: str) -> None:
    assert text.isascii()
    assert text.endswith("\n")
    assert text.index('"reasoning"') < text.index('"score"')
    for part in ("from 0 to 10", "Mark 1", "Mark 2", "take no notice", "JSON object"):
        assert part in text


@pytest.mark.parametrize("rubric", [load_rubric("native"), load_rubric("pixels")])
def test_the_instruction_goes_into_sc_only(rubric: Rubric) -> None:
    assert rubric.sc.count("<instruction>") == 1
    assert "<instruction>" not in rubric.pq
    assert "make it <instruction> red" in rubric.prompt(Aspect.SC, "make it <instruction> red")


def test_the_pixels_rubric_is_fixed() -> None:
    assert find_rubric("pixels").rubric == PIXELS
    with pytest.raises(UsageError, match="fixed"):
        load_rubric("pixels", Path("x"))
    with pytest.raises(UsageError, match="fixed"):
        load_rubric("native", Path("x"))
