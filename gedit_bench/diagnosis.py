"""Looks at a machine the way a run would, one finding at a time; a failure is a finding, too."""

import asyncio
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gedit_bench import settling
from gedit_bench.cache import cache_folder
from gedit_bench.dataset import load_benchmark
from gedit_bench.errors import GeditBenchError, UnavailableError
from gedit_bench.judging.protocol import find_protocol
from gedit_bench.judging.registry import DEFAULT_PROTOCOL, make_judge, protocol_for
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.judging.rubric import find_rubric
from gedit_bench.secrets import redact
from gedit_bench.store.provenance import this_writer


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what, whether a run can go on with it, and what was found."""

    what: str
    ok: bool
    found: str


def examine(
    model: str | None, data: str | None, editing: settling.Editing, judging: settling.Judging
) -> Iterator[Finding]:
    """Yield findings about the machine, then the judge, and the data and model if named.

    Data and rubric may be downloaded, a model's weights are not; the judge is asked for its list of models,
    never for a score.
    """
    yield Finding("machine", True, f"{platform.platform()}, {os.cpu_count()} cores")
    yield Finding("gpu", True, _gpu())
    yield Finding("versions", True, ", ".join(f"{name} {v}" for name, v in this_writer().versions.items()))
    yield Finding("disk", True, f"{shutil.disk_usage(_existing(editing.out)).free / 1e9:.0f} GB free for {editing.out}")
    yield Finding("cache", True, str(cache_folder()))
    yield _tried("judge", lambda: _judge(judging))
    yield _tried("rubric", lambda: _rubric(judging))
    if data:
        yield _tried("data", lambda: _data(data))
    if model:
        yield _tried("model", lambda: _model(model, editing))


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except GeditBenchError as error:
        return Finding(what, False, redact(f"{error} {error.hint}".strip()))
    except ImportError as error:
        return Finding(what, False, redact(f"It needs a package that is not here: {error}."))


def _judge(judging: settling.Judging) -> str:
    return asyncio.run(settling.reached(make_judge(judging.judge)))


def _rubric(judging: settling.Judging) -> str:
    try:
        judge = make_judge(judging.judge)
        if isinstance(judge, ReplayJudge):
            return "none needed: nobody is asked"
        protocol = protocol_for(judge, judging.protocol)
    except UnavailableError:  # a missing key is said of the judge, and the rubric needs none
        protocol = find_protocol(judging.protocol or DEFAULT_PROTOCOL)
    found = find_rubric(protocol.rubric, judging.rubric)
    return f"{protocol.request_id(found.rubric)}, rubric from {found.where}"


def _data(data: str) -> str:
    benchmark = load_benchmark(data)
    return f"{len(benchmark.samples)} samples of {benchmark.name} at {benchmark.revision}"


def _model(name: str, editing: settling.Editing) -> str:
    choice = settling.settle_model(name, editing)
    settling.check_model(choice, editing)
    if download := choice.model.to_download():
        return f"{choice.name} can be downloaded, {download / 1e9:.1f} GB: `gedit-bench run` does it. Not loaded"
    choice.model.load()
    choice.model.close()
    return f"{choice.name} loads, recipe {choice.recipe.name}"


def _gpu() -> str:
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"torch can't be imported ({error}); judging works without it"
    if not torch.cuda.is_available():
        return "none"
    return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
