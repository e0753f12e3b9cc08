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
from gedit_bench.editing.registry import ModelChoice
from gedit_bench.editing.requirements import check_packages
from gedit_bench.engine.readying import close_model, load_model
from gedit_bench.errors import GeditBenchError, UnavailableError
from gedit_bench.judging.protocol import find_protocol
from gedit_bench.judging.registry import DEFAULT_PROTOCOL, make_judge, protocol_for
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.judging.rubric import find_rubric
from gedit_bench.planning import MEAN_EDIT_BYTES
from gedit_bench.secrets import redact
from gedit_bench.store.provenance import this_writer

_WHOLE_BENCHMARK = 1212
_LIGHTER = ("offload", "quantise", "memory", "fp8")
"""Settings by which models make do with less memory."""


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

    A model's are its packages, whether it loads or can be downloaded, the GPU's memory and room on the disks.

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
        yield from _about(model, editing)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (GeditBenchError, ImportError) as error:
        return _failed(what, error)


def _failed(what: str, error: GeditBenchError | ImportError) -> Finding:
    if isinstance(error, GeditBenchError):
        return Finding(what, False, redact(f"{error} {error.hint}".strip()))
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


def _about(name: str, editing: settling.Editing) -> Iterator[Finding]:
    try:
        choice = settling.settle_model(name, editing)
    except (GeditBenchError, ImportError) as error:
        yield _failed("model", error)
        return
    packages = _tried("packages", lambda: _packages(choice)) if choice.recipe.needs else None
    memory = _tried("memory", lambda: _memory(choice)) if choice.recipe.memory_gb is not None else None
    if packages is not None:
        yield packages
    if packages is not None and not packages.ok:
        yield _tried("model", lambda: _weights(choice, "packages are missing"))
    elif memory is not None and not memory.ok:
        yield _tried("model", lambda: _weights(choice, "the memory is too small"))
    else:
        yield _tried("model", lambda: _model(choice, editing))
    if memory is not None:
        yield memory
    yield _tried("space", lambda: _space(choice, editing))


def _packages(choice: ModelChoice) -> str:
    check_packages(choice.name, choice.recipe.needs)
    return f"{', '.join(choice.recipe.needs)}: here"


def _weights(choice: ModelChoice, why_not_loaded: str) -> str:
    choice.model.check()
    if download := choice.model.to_download():
        return f"{choice.name} can be downloaded, {download / 1e9:.1f} GB"
    return f"{choice.name} has its weights here. Not loaded: {why_not_loaded}"


def _model(choice: ModelChoice, editing: settling.Editing) -> str:
    settling.check_model(choice, editing)
    if download := choice.model.to_download():
        return f"{choice.name} can be downloaded, {download / 1e9:.1f} GB: `gedit-bench run` does it. Not loaded"
    load_model(choice.model)
    close_model(choice.model)
    return f"{choice.name} loads, recipe {choice.recipe.name}"


def _memory(choice: ModelChoice) -> str:
    """Compare the largest GPU with what a recipe asks for, which is approximate and without what makes do with less."""
    import torch

    asked = f"The recipe asks for about {choice.recipe.memory_gb:g} GB of GPU memory"
    lighter = [name for name in _LIGHTER if choice.origins.get(name) not in (None, "default", "recipe")]
    if lighter:
        return f"{asked}; what is left of that with -o {' and -o '.join(lighter)} isn't known"
    if not torch.cuda.is_available():
        raise UnavailableError(f"{asked}, and there is no GPU.")
    sizes = [torch.cuda.get_device_properties(index).total_memory for index in range(torch.cuda.device_count())]
    largest = max(sizes) / 1e9
    if largest < (choice.recipe.memory_gb or 0):
        raise UnavailableError(
            f"{asked}, and the largest GPU has {largest:.0f} GB.",
            f"`gedit-bench ls models {choice.name}` tells the settings that make do with less.",
        )
    return f"about {choice.recipe.memory_gb:g} GB of the {largest:.0f} GB that the largest GPU has"


def _space(choice: ModelChoice, editing: settling.Editing) -> str:
    """Compare the disks with the weights that are still to come and the edits of the whole benchmark."""
    from huggingface_hub.constants import HF_HUB_CACHE

    edits = _WHOLE_BENCHMARK * MEAN_EDIT_BYTES
    words = []
    for what, size, folder in (
        ("weights to download", choice.model.to_download(), Path(HF_HUB_CACHE)),
        (f"{_WHOLE_BENCHMARK} edits", edits, editing.out),
    ):
        if not size:
            continue
        free = shutil.disk_usage(_existing(folder)).free
        words.append(f"{what}: {size / 1e9:.1f} GB of the {free / 1e9:.0f} GB free for {folder}")
        if size > free:
            raise UnavailableError(f"{words[-1]}.", "Make room, or choose another disk with --out or HF_HOME.")
    return "; ".join(words)


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
