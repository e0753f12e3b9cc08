"""Qwen2.5-VL through transformers: questions in, replies out, many at once, decoded greedily."""

import logging
import sys
import threading
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor

from gedit_bench.errors import DataError, UnavailableError
from gedit_bench.judging.base import Answer, Question
from gedit_bench.judging.qwen25vl_turns import Turn, image_processing, load_reader, read_turn
from gedit_bench.judging.qwen25vl_weights import Weights
from gedit_bench.records import Delivery

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration

log = logging.getLogger(__name__)


class QwenModel:
    """The loaded model. Used by one thread at a time; `stop` may be called from any."""

    def __init__(self, weights: Weights, batch: int) -> None:
        """Load the weights: in float16 over all GPUs as the official judge does, in float32 where there is none.

        Args:
            weights: of the model.
            batch: questions in one pass; halved for good where memory runs out.

        Raises:
            UnavailableError: this machine can't run it, or the files are damaged.
        """
        check_machine(weights)
        if not sys.stderr.isatty():
            transformers.utils.logging.disable_progress_bar()
        on_gpu = torch.cuda.is_available()
        try:
            loaded: tuple[Qwen2_5_VLForConditionalGeneration, dict[str, set[str]]] = (
                transformers.Qwen2_5_VLForConditionalGeneration.from_pretrained(
                    weights.folder,
                    dtype=torch.float16 if on_gpu else torch.float32,
                    device_map="auto" if on_gpu else None,
                    use_safetensors=True,
                    local_files_only=True,
                    output_loading_info=True,
                )
            )
            model, found = loaded
            self._reader = load_reader(weights, model.config.image_token_id)
        except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
            raise _unloadable(weights, str(error).partition("\n")[0]) from error
        self._model = model.eval()
        if found["missing_keys"]:  # the library would go on with random numbers
            raise _unloadable(weights, f"it has no {min(found['missing_keys'])}")
        self._batch = batch
        self._stopped = threading.Event()
        self._returned = f"{weights.name}@{weights.revision()}"
        self._fingerprint = " ".join(
            (
                *(str(self._model.dtype).removeprefix("torch."), "gpu" if on_gpu else "cpu", image_processing()),
                *(f"transformers-{transformers.__version__}", f"torch-{torch.__version__}"),
            )
        )

    def stop(self) -> None:
        """End what is being generated at its next token."""
        self._stopped.set()

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer for each question, in order.

        Greedy; the model's own generation config still applies, such as a repetition penalty. A question
        that can't be shown to the model is `rejected`; one for which memory doesn't suffice even alone is
        `transport`, as a server's error 500 would be: nothing is wrong with it, and elsewhere it may fit.
        """
        read = [self._read(question) for question in questions]
        replies = iter(self._replies([one for one in read if isinstance(one, Turn)]))
        return [one if isinstance(one, Answer) else next(replies) for one in read]

    def _read(self, question: Question) -> Turn | Answer:
        try:
            return read_turn(self._reader, question)
        except DataError as error:
            return Answer(delivery=Delivery.REJECTED, message=str(error))

    def _replies(self, turns: Sequence[Turn]) -> list[Answer]:
        answers: list[Answer] = []
        while len(answers) < len(turns):
            length = turns[len(answers)].new_tokens
            fitting = takewhile(lambda turn: turn.new_tokens == length, turns[len(answers) :])  # noqa: B023 - used here
            chosen = list(islice(fitting, self._batch))
            found = self._attempted(chosen)
            if found is not None:
                answers += found
            elif len(chosen) > 1:
                self._batch = len(chosen) // 2
                log.warning("out of memory with %d questions at once; going on with %d", len(chosen), self._batch)
            else:
                answers.append(Answer(delivery=Delivery.TRANSPORT, message="There is too little memory for it."))
        return answers

    def _attempted(self, turns: Sequence[Turn]) -> list[Answer] | None:
        """The answers, None where memory ran out."""
        try:
            return self._generate(turns)
        except torch.OutOfMemoryError:
            log.debug("out of memory", exc_info=True)
        # Only here, after the error's frames have let go of their tensors.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _generate(self, turns: Sequence[Turn]) -> list[Answer]:
        longest = max(len(turn.ids) for turn in turns)
        ids = torch.zeros(len(turns), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, turn in enumerate(turns):
            # With a token of the row's own: not every version keeps padding out of the repetition penalty.
            ids[row] = turn.ids[0]
            ids[row, longest - len(turn.ids) :] = turn.ids
            mask[row, longest - len(turn.ids) :] = 1
        device = self._model.device
        whole = self._model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            mm_token_type_ids=(ids == self._model.config.image_token_id).int().to(device),
            pixel_values=torch.cat([turn.pixels for turn in turns]).to(device),
            image_grid_thw=torch.cat([turn.grids for turn in turns]).to(device),
            max_new_tokens=turns[0].new_tokens,
            do_sample=False,
            num_beams=1,
            stopping_criteria=transformers.StoppingCriteriaList([self._when_stopped]),
        )
        replies = whole[:, longest:].tolist()
        return [self._answer(turn, reply) for turn, reply in zip(turns, replies, strict=True)]

    def _when_stopped(self, ids: Tensor, scores: object, **more: object) -> Tensor:
        return torch.full((len(ids),), self._stopped.is_set(), device=ids.device)

    def _answer(self, turn: Turn, reply: list[int]) -> Answer:
        ends = self._model.generation_config.eos_token_id
        ending = set(ends) if isinstance(ends, list) else {ends}
        end = next((place for place, token in enumerate(reply) if token in ending), None)
        said = reply if end is None else reply[:end]
        return Answer(
            delivery=Delivery.ANSWERED,
            content=self._reader.tokenizer.decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            finish_reason="length" if end is None else "stop",
            model=self._returned,
            fingerprint=self._fingerprint,
            prompt_tokens=len(turn.ids),
            completion_tokens=len(said) if end is None else len(said) + 1,
        )


def check_machine(weights: Weights) -> str:
    """Make sure that this machine can run the model; return a few words about what will.

    Raises:
        UnavailableError: it can't, and what helps.
    """
    elsewhere = "Use a machine that can, smaller weights, or a server that has the model, with --base-url."
    if not torch.cuda.is_available():
        if weights.quantisation:
            raise UnavailableError(f"{weights.name} is quantised ({weights.quantisation}) and needs a GPU.", elsewhere)
        return "the CPU, in float32"
    if weights.quantisation == "awq":
        from importlib.util import find_spec

        if find_spec("gptqmodel") is None:
            raise UnavailableError("Weights in AWQ need the package gptqmodel.", "Install it: `pip install gptqmodel`.")
    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    memory = sum(device.total_memory for device in devices)
    if weights.size > memory:
        raise UnavailableError(
            f"{weights.name} has {weights.size / 1e9:.0f} GB of weights and the GPUs {memory / 1e9:.0f} GB of memory.",
            elsewhere,
        )
    return f"{', '.join(device.name for device in devices)}, in float16"


def _unloadable(weights: Weights, why: str) -> UnavailableError:
    return UnavailableError(
        f"{weights.name} can't be loaded: {why}.", "Download it again, or ask a server that has it, with --base-url."
    )
