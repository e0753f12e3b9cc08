"""EvalScope's form of the rubric: composed from sources that are never run, accepted by hash alone.

As with the official rubric, its texts aren't in this repository. Tests write texts of their own and let
the harness expect those; the slow test fetches the real wheel.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging import evalscope_rubric, official_rubric
from gedit_bench.judging.evalscope_rubric import NotOfficialError, read_contract, stripped
from gedit_bench.judging.protocol import PROTOCOLS, Rubric
from gedit_bench.judging.rubric import find_rubric

CONTRACT = '\n\nAnswer so:\n- "score": a list\n- "reasoning": a string'
SOURCE = b'''import os
os.abort()
class Contract:
    def instruction(self):
        """Docs."""
        fields = os.abort()
        return f"\\n\\nAnswer so:\\n{fields}"
'''
PROMPTS = b"""_context_no_delimit = "ctx \\n"
_prompts_0shot_two_image_edit_rule = "two images\\n"
_prompts_0shot_tie_rule_SC = "follow <instruction>\\t\\n"
_prompts_0shot_rule_PQ = "quality \\n"
"""
IN_WHEEL = "evalscope/api/judge/contracts.py"
PROMPTS_IN_WHEEL = "evalscope/benchmarks/image_edit/gedit/vie_prompts.py"
OFFICIAL = Rubric("ctx \n\ntwo images\n\nfollow <instruction>\t\n", "ctx \n\nquality \n")
STRIPPED = Rubric("ctx\n\ntwo images\n\nfollow <instruction>\n", "ctx\n\nquality\n")
WHOLE = Rubric(STRIPPED.sc + CONTRACT, STRIPPED.pq + CONTRACT)


@pytest.fixture(autouse=True)
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache, no package index, and hashes of the texts above."""
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr(official_rubric, "HASHES", OFFICIAL.hashes())
    monkeypatch.setattr(evalscope_rubric, "STRIPPED_HASHES", STRIPPED.hashes())
    monkeypatch.setattr(evalscope_rubric, "CONTRACT_SHA256", hashlib.sha256(CONTRACT.encode()).hexdigest())
    return tmp_path / "cache" / "rubrics"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def wheel(folder: Path, **members: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "evalscope-1.14.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(IN_WHEEL, members.get("contract", SOURCE))
        archive.writestr(
            PROMPTS_IN_WHEEL, members.get("prompts", b"".join(PROMPTS.replace(b" \\n", b"\\n").split(b"\\t")))
        )
        archive.writestr(
            "evalscope-1.14.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: evalscope\nVersion: 1.14.1\n"
        )
        archive.writestr("evalscope-1.14.1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("evalscope-1.14.1.dist-info/RECORD", "")
    return path


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        SOURCE.replace(b"\n", b"\r\n"),
        CONTRACT.encode(),
        CONTRACT.strip().encode() + b"\n",
        CONTRACT.replace("\n", "\r\n").encode() + b"\r\n",
    ],
)
def test_the_contract_is_read_from_its_source_and_from_text(source: bytes) -> None:
    assert read_contract(source) == CONTRACT


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff\xfe",
        b"(" * 50_000,
        CONTRACT.replace("a list", "a  list").encode(),
        SOURCE.replace(b"Answer so", b"Answer thus"),
        SOURCE.replace(b'f"', b'"'),
        SOURCE.replace(b"def instruction", b"def other"),
    ],
)
def test_anything_else_is_refused(source: bytes) -> None:
    with pytest.raises(NotOfficialError):
        read_contract(source)


def test_blanks_go_from_the_ends_of_lines_only() -> None:
    assert stripped(OFFICIAL) == STRIPPED
    assert stripped(Rubric("  a b \t\n\n", " c")) == Rubric("  a b\n\n", " c")


def test_a_wheel_has_all_of_it(tmp_path: Path, cached: Path) -> None:
    found = find_rubric("evalscope", wheel(tmp_path / "w"), fetch=False)
    assert found.rubric == WHOLE
    assert not cached.exists()


def test_parts_that_a_path_lacks_are_looked_for(tmp_path: Path, cached: Path) -> None:
    write(cached / "vie_prompts.py", PROMPTS)
    text = write(tmp_path / "contract.txt", CONTRACT.strip().encode())
    found = find_rubric("evalscope", text, fetch=False)
    assert (found.rubric, found.where) == (WHOLE, f"the cache; contract from {text}")
    checkout = write(tmp_path / "checkout" / "contracts.py", SOURCE).parent
    assert find_rubric("evalscope", checkout, fetch=False).rubric == WHOLE
    write(cached / "evalscope_contract.py", SOURCE)
    prompts = write(tmp_path / "official" / "vie_prompts.py", PROMPTS)
    assert find_rubric("evalscope", prompts.parent, fetch=False).rubric == WHOLE
    assert find_rubric("evalscope", prompts, fetch=False).rubric == WHOLE
    assert find_rubric("evalscope", fetch=False).where == "the cache; contract from the cache"


def test_the_wheel_is_fetched_once_and_its_hash_is_checked(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cached / "vie_prompts.py", PROMPTS)
    made = wheel(tmp_path / "w")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.parent))
    with pytest.raises(UnavailableError, match="another file under the name evalscope"):
        find_rubric("evalscope")
    monkeypatch.setattr(evalscope_rubric, "_WHEEL_SHA256", hashlib.sha256(made.read_bytes()).hexdigest())
    assert find_rubric("evalscope").where.endswith("contract from the EvalScope wheel")
    assert find_rubric("evalscope", fetch=False).where.endswith("contract from the cache")


def test_not_available_is_said_with_what_it_would_need(cached: Path) -> None:
    write(cached / "vie_prompts.py", PROMPTS)
    with pytest.raises(UnavailableError, match="'evalscope' is not available: the contract") as caught:
        find_rubric("evalscope", fetch=False)
    assert caught.value.exit_code == 5
    assert "pip download --no-deps evalscope==1.14.1" in caught.value.hint


def test_without_the_official_rubric_it_is_not_available_either(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="The official rubric is not to be had"):
        find_rubric("evalscope", write(tmp_path / "c.txt", CONTRACT.encode()), fetch=False)


def test_a_path_that_holds_neither_is_a_mistake(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", write(tmp_path / "x.txt", b"x"), write(tmp_path / "y.whl", b"PK\3\4")):
        with pytest.raises(UsageError, match="holds neither EvalScope's contract nor the official rubric") as caught:
            find_rubric("evalscope", path, fetch=False)
        assert "--rubric" in caught.value.hint


@pytest.mark.slow
def test_the_real_wheel_gives_evalscopes_rubric(monkeypatch: pytest.MonkeyPatch, cached: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(cached.parent))
    try:
        found = find_rubric("evalscope")
    except UnavailableError as error:
        if "pip couldn't download" not in str(error) and "pip didn't finish" not in str(error):
            raise
        pytest.skip("the package index can't be reached, so there is no EvalScope wheel")
    contracts = {text[-156:] for text in (found.rubric.sc, found.rubric.pq)}
    assert [hashlib.sha256(text.encode()).hexdigest() for text in contracts] == [
        "b92c17a7b6e927e663fab08f75d014a728023e0090e133c1a4acf36566bf7fe1"
    ]
    templates = Rubric(found.rubric.sc[:-156], found.rubric.pq[:-156])
    assert templates.hashes() == {
        "sc": "23d0fe3d845b17cd6b7591a240038fd44316390defdcd3dff978fe26967f2b6a",
        "pq": "866fdb3949576353b5b6b234f9aa8da4d3a1b93bdf563f1c936f04e5b115ad17",
    }
    assert (len(templates.sc), len(templates.pq)) == (1511, 1179)
    assert PROTOCOLS["evalscope"].request_id(found.rubric) == "evalscope-060b7519"
