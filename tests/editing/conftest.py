"""Pipelines of diffusers with random weights, saved once."""

from pathlib import Path

import datasets
import pytest
from data_fixtures import FEATURES
from small_benchmark import picture

SIZES = ((64, 64), (64, 64), (96, 67))
"""Of the sources: two are alike, one is no multiple of anything."""


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of saved pipelines, to be read and not written to."""
    from tiny_pipelines import save_instruct_pix2pix, save_klein, save_kontext

    folder = tmp_path_factory.mktemp("pipelines")
    save_instruct_pix2pix(folder / "tiny-ip2p")
    save_kontext(folder / "tiny-kontext")
    save_klein(folder / "tiny-klein")
    return folder


@pytest.fixture(scope="session")
def three_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of three samples in English."""
    folder = tmp_path_factory.mktemp("benchmark") / "data"
    rows = [
        {
            "task_type": "color_alter",
            "key": f"{index:032x}",
            "instruction": f"Turn it green, {index} times.",
            "instruction_language": "en",
            "input_image": picture(index, size),
            "input_image_raw": picture(index, size),
            "Intersection_exist": True,
        }
        for index, size in enumerate(SIZES)
    ]
    datasets.Dataset.from_list(rows, features=FEATURES).save_to_disk(folder)
    return folder
