"""Qwen2.5-VL in this process, the way the official evaluation's second judge is run."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.batches import Batches
from gedit_bench.judging.qwen25vl_weights import Weights, find_weights
from gedit_bench.records import Json

if TYPE_CHECKING:
    from gedit_bench.judging.qwen25vl_model import QwenModel
    from gedit_bench.judging.registry import JudgeSettings

NAME = "qwen2.5-vl"
BATCH = 8
"""Questions in one pass unless fewer are wanted at once."""


def local_qwen(settings: "JudgeSettings") -> "LocalQwenJudge":
    """Qwen2.5-VL in this process: `qwen2.5-vl:FOLDER` or `:OWNER/NAME[@REVISION]` in the hub's cache; needs a GPU.

    Without anything after the colon the official judge's weights are meant, of 72 billion parameters.
    """
    if settings.base_url:
        raise UsageError(
            f"{NAME} runs in this process and asks no endpoint.",
            "Leave --base-url out, or give --judge the name that the server has for the model.",
        )
    return LocalQwenJudge(find_weights(settings.argument), min(settings.concurrency or BATCH, BATCH))


class LocalQwenJudge(Judge):
    """Qwen2.5-VL through transformers: greedy, float16, questions that wait in one batch.

    Loads at the first question. `close` lets go of it; afterwards it can be asked again.
    """

    usual_protocol: ClassVar[str | None] = "official-qwen"
    free: ClassVar[bool] = True

    def __init__(self, weights: Weights, batch: int = BATCH) -> None:
        """Describe the judge; nothing is loaded yet.

        Args:
            weights: of the model.
            batch: the most questions in one pass.
        """
        super().__init__(f"{NAME}:{weights.name}", "transformers")
        self.at_once = 2 * batch  # while one batch is answered the next one gathers
        self._weights = weights
        self._batch = batch
        self._model: QwenModel | None = None
        self._batches = Batches(self._load, self._answer, batch)

    def refuses(self, parameters: Mapping[str, Json]) -> str:
        """Return why parameters can't be honoured: replies are greedy, and nothing but their length can be set."""
        if parameters.get("temperature") != 0:
            return "it always takes the likeliest word, so it needs one that asks for temperature 0"
        if others := sorted(set(parameters) - {"temperature", "max_tokens"}):
            return f"it has no {others[0]}"
        return ""

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question once its batch is done; see `Judge.ask`."""
        return await self._batches.ask(question)

    async def reachable(self) -> str:
        """Make sure, without loading it, that this machine can run the model.

        Raises:
            UnavailableError: torch, a package, a GPU or memory is missing.
        """
        machine = await asyncio.to_thread(_checked, self._weights)
        return f"{self._weights.name} ({self._weights.size / 1e9:.1f} GB of weights) is here and runs on {machine}."

    async def close(self) -> None:
        """Stop what is being generated, and let go of the model."""
        if self._model is not None:
            self._model.stop()
        await self._batches.close()
        self._model = None

    def _load(self) -> None:
        _checked(self._weights)
        from gedit_bench.judging.qwen25vl_model import QwenModel

        self._model = QwenModel(self._weights, self._batch)

    def _answer(self, questions: Sequence[Question]) -> list[Answer]:
        if self._model is None:
            raise UnavailableError(f"{self.name} was closed while it was asked.")
        return self._model.answer(questions)


def _checked(weights: Weights) -> str:
    try:
        from gedit_bench.judging.qwen25vl_model import check_machine
    except (ImportError, OSError) as error:
        raise UnavailableError(
            f"{NAME} needs torch and transformers, which can't be imported: {error}.",
            "Install them, or ask a server that has the model, with --base-url.",
        ) from error
    return check_machine(weights)
