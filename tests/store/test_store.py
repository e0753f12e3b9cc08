"""The store: whole files or none, lines that survive a crash, folders that data can't leave."""

import hashlib
import json
import logging
import os
import re
import resource
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.errors import DataError, RunLockedError, UnavailableError
from gedit_bench.records import Aspect, Delivery, Edit, EditStatus, Reply, Sample, SampleId
from gedit_bench.store import layout
from gedit_bench.store.atomic import disk_error, write_bytes, write_json_once
from gedit_bench.store.codec import from_json, to_json
from gedit_bench.store.jsonl import JsonlWriter, read_lines
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.manifest import RunManifest, publish, read_manifest
from gedit_bench.store.names import folder_name
from gedit_bench.store.provenance import Writer, this_writer
from gedit_bench.store.run import Run, find_runs, note_selection, read_selection

ID = SampleId("ps_human", "en", "a" * 32)


def manifest(**fields: object) -> RunManifest:
    given = {"model": "m", "name": "m", "recipe": "default", "dataset": "d", "dataset_revision": "r", "seed": 1}
    return RunManifest(**{**given, **fields})


@pytest.mark.parametrize("key", ["../../x", "a/b", "", ".", "..", ".hidden", "a\\b", "a\0b", "x" * 129, "ключ", "a b"])
def test_a_key_from_data_cannot_leave_its_folder(key: str, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        layout.image_file(tmp_path, SampleId("ps_human", "en", key))


@given(st.text(min_size=1, max_size=60))
def test_folder_names_stay_in_their_folder(name: str) -> None:
    folder = folder_name(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*|unnamed", folder)


@pytest.mark.parametrize("name", ["Qwen/x", "diffusers:org/y", "command:./w.py"])
def test_model_names_become_one_folder(name: str) -> None:
    assert "/" not in folder_name(name)


def test_an_edit_cannot_name_a_file_outside_its_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", manifest())
    with pytest.raises(DataError, match="outside its run"):
        run.image_path(Edit(sample=ID, status=EditStatus.OK, seed=0, file="../../etc/passwd"))


texts = st.text(max_size=40)


@given(
    content=st.none() | texts,
    finish=st.none() | texts,
    tokens=st.none() | st.integers(0, 10**6),
    seconds=st.none() | st.floats(0, 1e6),
)
def test_replies_survive_the_way_to_disk_and_back(
    content: str | None, finish: str | None, tokens: int | None, seconds: float | None
) -> None:
    reply = Reply(
        sample=ID,
        aspect=Aspect.PQ,
        repeat=0,
        attempt=1,
        delivery=Delivery.ANSWERED,
        edit_sha256="e",
        content=content,
        finish_reason=finish,
        prompt_tokens=tokens,
        seconds=seconds,
    )
    assert from_json(Reply, json.loads(json.dumps(to_json(reply), ensure_ascii=True))) == reply


def test_edits_survive_with_flags_and_extra() -> None:
    edit = Edit(sample=ID, status=EditStatus.OK, seed=3, flags=("no_op",), extra={"operations": ["sepia"]})
    assert from_json(Edit, json.loads(json.dumps(to_json(edit)))) == edit


def test_a_writer_outside_a_checkout_survives() -> None:
    writer = replace(this_writer(data="sample"), commit=None)
    assert from_json(Writer, json.loads(json.dumps(to_json(writer)))) == writer


def test_a_lone_surrogate_is_stored(tmp_path: Path) -> None:
    lines = JsonlWriter(tmp_path / "x.jsonl")
    lines.append({"text": "\ud83d"})
    lines.close()
    assert list(read_lines(tmp_path / "x.jsonl")) == [{"text": "\ud83d"}]


def test_a_line_cut_by_a_crash_is_removed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"n": 1}\n{"n": 2, "te')
    with caplog.at_level(logging.WARNING):
        lines = JsonlWriter(path)
    assert "cut short" in caplog.text
    lines.append({"n": 3})
    lines.close()
    assert [line["n"] for line in read_lines(path)] == [1, 3]


def test_a_whole_line_without_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"n": 1}\n{"n": 2}')
    lines = JsonlWriter(path)
    lines.append({"n": 3})
    lines.close()
    assert [line["n"] for line in read_lines(path)] == [1, 2, 3]


def test_a_damaged_line_harms_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"n": 1}\ngarbage\n[1]\n{"n": 2}\n')
    with caplog.at_level(logging.WARNING):
        assert [line["n"] for line in read_lines(path)] == [1, 2]
    assert "2 damaged" in caplog.text


def test_of_several_writers_one_publishes(tmp_path: Path) -> None:
    assert write_json_once(tmp_path / "m.json", {"a": 1})
    assert not write_json_once(tmp_path / "m.json", {"a": 2})
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_the_manifest_in_place_is_checked(tmp_path: Path) -> None:
    first = publish(tmp_path, manifest(created="earlier"))
    assert publish(tmp_path, manifest(created="later")) == first
    with pytest.raises(DataError, match="something else"):
        publish(tmp_path, manifest(seed=2))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 99}', '{"schema": 1}'])
def test_a_damaged_manifest_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError):
        read_manifest(tmp_path, RunManifest)


def test_only_what_decides_the_pixels_is_in_the_fingerprint() -> None:
    base = manifest().fingerprint
    same = (manifest(recipe="r2"), manifest(name="shown"), manifest(created="x"), manifest(origins={"steps": "recipe"}))
    assert {one.fingerprint for one in same} == {base}
    other = (
        manifest(seed=2),
        manifest(settings={"steps": 3}),
        manifest(artifacts={"w": "00"}),
        manifest(dataset_revision="s"),
        manifest(source="raw"),
        manifest(model="n"),
    )
    assert len({base, *(one.fingerprint for one in other)}) == 7


def test_a_manifest_from_before_models_had_backends_is_the_same_run() -> None:
    lines = {name: value for name, value in to_json(manifest()).items() if name != "backend"}
    assert from_json(RunManifest, lines).fingerprint == "4d498555"
    assert manifest(backend="b").fingerprint != manifest().fingerprint


def test_selections_only_grow(tmp_path: Path) -> None:
    samples = [Sample(SampleId("ps_human", "en", f"k{n}"), f"i{n} ", n % 2 == 0, n) for n in range(4)]
    note_selection(tmp_path, samples[2:])
    note_selection(tmp_path, samples[:3])
    assert read_selection(tmp_path) == samples
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) == 4


def edit_line(run: Path, key: str, data: bytes, time: str, *, on_disk: bool = True) -> Edit:
    sample = SampleId("ps_human", "en", key)
    path = layout.image_file(run, sample)
    if on_disk:
        write_bytes(path, data)
    edit = Edit(
        sample=sample,
        status=EditStatus.OK,
        seed=0,
        file=path.relative_to(run).as_posix(),
        sha256=hashlib.sha256(data).hexdigest(),
        time=time,
    )
    lines = JsonlWriter(run / "edits.jsonl")
    lines.append(to_json(edit))
    lines.close()
    return edit


def test_of_several_lines_the_one_that_matches_the_file_wins(tmp_path: Path) -> None:
    kept = edit_line(tmp_path, "k", b"first", "2026-01-01")
    edit_line(tmp_path, "k", b"second", "2026-01-02", on_disk=False)  # killed before the image was renamed
    run = Run(tmp_path, manifest())
    assert run.edits()[kept.sample] == kept
    assert run.holds(kept)


def test_runs_are_found_and_their_absence_is_said(tmp_path: Path) -> None:
    publish(tmp_path / "m" / "default-1", manifest())
    assert [run.path for run in find_runs([tmp_path, tmp_path / "m" / "default-1"])] == [tmp_path / "m" / "default-1"]
    with pytest.raises(DataError, match="no run in"):
        find_runs([tmp_path / "m" / "default-1" / "images"])


def test_a_second_writer_is_told(tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from gedit_bench.store.lock import sole_writer
        with sole_writer(Path({str(tmp_path / ".lock")!r})):
            print("held", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunLockedError, match="already working"), sole_writer(tmp_path / ".lock"):
            pass
        holder.kill()
        holder.wait()
        with sole_writer(tmp_path / ".lock"):  # the lock died with its holder
            pass


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    lines = JsonlWriter(tmp_path / "x.jsonl")
    lines.append({"n": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    try:
        with pytest.raises(UnavailableError, match="disk is full"):
            lines.append({"n": "x" * 100})
        with pytest.raises(UnavailableError, match="disk is full"):
            write_bytes(tmp_path / "image.png", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lines.append({"n": 2})
    lines.close()
    assert [line["n"] for line in read_lines(tmp_path / "x.jsonl")] == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UnavailableError, match="can't be written"):
        write_bytes(tmp_path / "x", b"")


def test_every_way_out_of_space_is_recognised(tmp_path: Path) -> None:
    assert isinstance(disk_error(tmp_path, OSError(28, "No space left on device")), UnavailableError)
    assert isinstance(disk_error(tmp_path, OSError(30, "Read-only file system")), UnavailableError)
    other = OSError(5, "I/O error")
    assert disk_error(tmp_path, other) is other
