"""Judges one triple of source, edit and instruction, and keeps nothing."""

from collections.abc import Callable
from pathlib import Path

from gedit_bench.errors import DataError
from gedit_bench.judging.base import Answer, EncodedImage, Judge, Question
from gedit_bench.judging.pictures import edit_picture, source_picture
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.reading import read_answer, settled
from gedit_bench.records import Aspect, Reading


async def judge_triple(
    judge: Judge, protocol: Protocol, rubric: Rubric, images: tuple[Path, Path], instruction: str
) -> dict[Aspect, tuple[Reading, Answer]]:
    """Return the deciding reading and answer of both aspects.

    Args:
        judge: who judges; closed at the end.
        protocol: how it is asked.
        rubric: the protocol's rubric.
        images: files of source and edit.
        instruction: the user's text.

    Raises:
        DataError: an image can't be read.
    """
    source = _prepared(images[0], protocol, source_picture)
    edit = _prepared(images[1], protocol, edit_picture)
    shown = {Aspect.SC: (source, edit), Aspect.PQ: (edit,)}
    found = {}
    try:
        for aspect, pictures in shown.items():
            prompt = rubric.prompt(aspect, instruction)
            question = Question(
                aspect,
                prompt,
                pictures,
                images_first=protocol.images_first,
                parameters=protocol.parameters,
                image_detail=protocol.image_detail,
            )
            found[aspect] = await _settle(judge, question)
    finally:
        await judge.close()
    return found


async def _settle(judge: Judge, question: Question) -> tuple[Reading, Answer]:
    attempts: list[tuple[Reading, Answer]] = []
    while (index := settled([reading for reading, _ in attempts])) is None:
        answer = await judge.ask(question)
        attempts.append((read_answer(answer), answer))
    return attempts[index]


def _prepared(path: Path, protocol: Protocol, picture: Callable[[bytes, Protocol], EncodedImage]) -> EncodedImage:
    try:
        return picture(path.read_bytes(), protocol)
    except OSError as error:
        raise DataError(f"{path} can't be opened: {error.strerror}.", "Name two image files.") from error
    except DataError as error:
        raise DataError(f"{path}: {error}", "Name two image files.") from error
