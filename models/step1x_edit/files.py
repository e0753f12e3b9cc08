"""Finds the files of a version in a local folder, in the original layout or that of diffusers."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from step1x_edit.transformer import Version
from step1x_edit.weights import WeightsError

TRANSFORMER_FILES: dict[Version, str] = {
    "v1.0": "step1x-edit-i1258.safetensors",
    "v1.1": "step1x-edit-v1p1-official.safetensors",
}
AUTOENCODER_FILE = "vae.safetensors"
LANGUAGE_MODEL = "Qwen2.5-VL-7B-Instruct"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a folder's parts are, and whether their names are those of diffusers."""

    transformer: tuple[Path, ...]
    autoencoder: tuple[Path, ...]
    language_model: Path
    tokenizer: Path
    diffusers: bool

    @property
    def weights(self) -> dict[str, Path]:
        """All weight files, those of the language model too, by names that tell them apart.

        In the layout of diffusers, where several are called alike, the names hold the folder.
        """
        paths = (*self.transformer, *self.autoencoder, *sorted(self.language_model.glob("*.safetensors")))
        return {f"{path.parent.name}/{path.name}" if self.diffusers else path.name: path for path in paths}


def find_files(folder: Path, version: Version, language_model: Path | None = None) -> Files:
    """Return where the parts of a version are in a folder.

    Args:
        folder: in the original layout or that of diffusers.
        version: of the weights.
        language_model: the folder of Qwen2.5-VL, if it is not in `folder` (in the original layout).

    Raises:
        WeightsError: a part is missing; the message names it.
    """
    if (folder / "transformer").is_dir():
        transformers, autoencoders = (
            tuple(sorted((folder / part).glob("*.safetensors"))) for part in ("transformer", "vae")
        )
        files = Files(transformers, autoencoders, folder / "text_encoder", folder / "processor", diffusers=True)
    else:
        model = language_model or folder / LANGUAGE_MODEL
        there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        transformer, autoencoder = folder / pick_transformer(there, version, folder), folder / AUTOENCODER_FILE
        files = Files((transformer,), (autoencoder,), model, model, diffusers=False)
    for part in (files.transformer, files.autoencoder):
        if not part or not all(path.is_file() for path in part):
            missing = part[0] if part else folder
            raise WeightsError(f"{folder} has no {missing.name} for Step1X-Edit {version}")
    for path in (files.language_model, files.tokenizer):
        if not path.is_dir():
            raise WeightsError(f"{folder} has no folder {path.name}")
    return files


def pick_transformer(names: Collection[str], version: Version, where: Path | str) -> str:
    """Return which of some file names is a version's network: the official one, else its only FP8 edition.

    Where there is neither, that is the official name. FP8 editions are the community's; they are called as
    the official file with `FP8` added.

    Raises:
        WeightsError: there are several FP8 editions; `where` is named.
    """
    official = TRANSFORMER_FILES[version]
    stem = official.removesuffix(".safetensors")
    pattern = re.compile(rf"{re.escape(stem)}[-_.]?fp8[\w.-]*\.safetensors", re.IGNORECASE)
    editions = sorted(name for name in names if pattern.fullmatch(name))
    if official in names or not editions:
        return official
    if len(editions) > 1:
        raise WeightsError(f"{where} has several FP8 files ({', '.join(editions)}): leave the one that is meant")
    return editions[0]
