"""The complete programs in docs/backends.md, run as they stand there."""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.editing.registry import choose_model
from gedit_bench.records import SampleId

PAGE = Path(__file__).parents[1] / "docs" / "backends.md"
SOURCE = Image.new("RGB", (8, 8), (200, 100, 50))


def block(beginning: str) -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if text.startswith(beginning)]
    return found


def requests(*instructions: str) -> list[EditRequest]:
    return [
        EditRequest(SampleId("tone_transfer", "en", f"k{n}"), text, SOURCE, 42) for n, text in enumerate(instructions)
    ]


def test_the_class_is_found_by_its_file_and_takes_its_option(tmp_path: Path) -> None:
    path = tmp_path / "warmer.py"
    path.write_text(block("from collections.abc"), encoding="utf-8")
    chosen = choose_model(f"{path}:Warmer", ["strength=2"])
    assert (chosen.name, chosen.settings, list(chosen.artifacts)) == ("warmer", {"strength": 2.0}, ["warmer.py"])
    chosen.model.load()
    (image,) = chosen.model.edit(requests("Make it warmer"))
    chosen.model.close()
    assert isinstance(image, Image.Image)
    assert np.array_equal(np.asarray(image), np.asarray(ImageEnhance.Color(SOURCE).enhance(2.0)))


def test_the_worker_works(tmp_path: Path) -> None:
    path = tmp_path / "worker.py"
    path.write_text(block("#!/usr/bin/env python3"), encoding="utf-8")
    chosen = choose_model(f"command:{path}", ["timeout=20"])
    assert chosen.model.label() == "worker"
    try:
        chosen.model.load()
        done, refused = chosen.model.edit(requests("Invert the colors", "Add a dog"))
    finally:
        chosen.model.close()
    assert isinstance(done, Outcome)
    assert isinstance(refused, Outcome)
    assert (done.status, done.extra, done.suffix) == ("ok", {"seed": 42}, ".png")
    assert (refused.status, refused.message) == ("refused", "I can only invert.")


def test_the_statuses_and_limits_on_the_page_are_those_of_the_code() -> None:
    from gedit_bench.editing import command, worker

    text = PAGE.read_text(encoding="utf-8")
    defaults = command.CommandSettings()
    assert f"`timeout` ({defaults.timeout:g} s)" in text
    assert f"`startup_timeout` ({defaults.startup_timeout:g} s)" in text
    assert f"(`max_restarts`, {defaults.max_restarts}, in a row)" in text
    assert f"up to {worker.MAX_NOISE} for each edit" in text
    assert f"Protocol, version {command.PROTOCOL}" in text
    assert "`ok`, `refused`, `filtered`, `no_image` or `edit_failed`" in text
