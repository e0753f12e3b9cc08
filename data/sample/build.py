"""Builds the bundled sample, the same bytes each time: `python data/sample/build.py [--out FOLDER]`.

Needs scikit-image for its photographs. Other versions of Pillow or pyarrow may encode the same
pixels and rows to other bytes.
"""

import argparse
import hashlib
import json
import tomllib
from io import BytesIO
from math import sqrt
from pathlib import Path
from typing import Any

import lettering
import pyarrow as pa
import pyarrow.parquet as pq
import scenes
import skimage.data
from PIL import Image

HERE = Path(__file__).parent
FILE_NAME = "train-00000-of-00001.parquet"
JPEG_QUALITY = 90
INPUT_AREA = 512 * 512
INPUT_GRID = 32
PHOTOGRAPHS = {
    "astronaut": "astronaut",
    "chelsea": "chelsea",
    "coffee": "coffee",
    "hubble": "hubble_deep_field",
    "rocket": "rocket",
}
DRAWINGS = {
    "beach": scenes.beach,
    "child": scenes.child,
    "living_room": scenes.living_room,
    "poster": lettering.poster,
    "shop": lettering.shop,
    "station": lettering.station,
    "still_life": scenes.still_life,
    "street": scenes.street,
}
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
SCHEMA = {
    "task_type": pa.string(),
    "key": pa.string(),
    "instruction": pa.string(),
    "instruction_language": pa.string(),
    "input_image": IMAGE,
    "input_image_raw": IMAGE,
    "Intersection_exist": pa.bool_(),
}


def picture(name: str) -> Image.Image:
    """Return a photograph or drawing at its original resolution."""
    if name in DRAWINGS:
        return DRAWINGS[name]()
    return Image.fromarray(getattr(skimage.data, PHOTOGRAPHS[name])()).convert("RGB")


def input_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of `input_image`: about 512² area, both sides multiples of 32."""
    scale = sqrt(INPUT_AREA / (width * height)) / INPUT_GRID
    return round(width * scale) * INPUT_GRID, round(height * scale) * INPUT_GRID


def jpeg(image: Image.Image) -> dict[str, Any]:
    """Return an image as the value of an image column."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return {"bytes": buffer.getvalue(), "path": None}


def sources(name: str) -> dict[str, Any]:
    """Return both image columns of a picture."""
    raw = picture(name)
    small = raw.resize(input_size(*raw.size), Image.Resampling.LANCZOS)
    return {"input_image": jpeg(small), "input_image_raw": jpeg(raw)}


def rows() -> list[dict[str, Any]]:
    """Return the rows, all English ones first."""
    categories = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    entries = [(task, entry) for task, of_task in categories.items() for entry in of_task]
    images = {name: sources(name) for name in sorted({entry["picture"] for _, entry in entries})}
    return [
        {
            "task_type": task,
            "key": hashlib.md5(entry["name"].encode(), usedforsecurity=False).hexdigest(),
            "instruction": entry[language],
            "instruction_language": language,
            **images[entry["picture"]],
            "Intersection_exist": entry.get("intersection", True),
        }
        for language in ("en", "cn")
        for task, entry in entries
    ]


def features() -> dict[str, dict[str, str]]:
    """Return what the `datasets` package writes about the columns, so that it decodes the images."""
    names = {pa.string(): "string", pa.bool_(): "bool"}
    return {
        column: {"_type": "Image"} if kind == IMAGE else {"dtype": names[kind], "_type": "Value"}
        for column, kind in SCHEMA.items()
    }


def write(folder: Path) -> Path:
    """Write the sample's parquet file to a folder and return its path."""
    metadata = {"huggingface": json.dumps({"info": {"features": features()}})}
    table = pa.Table.from_pylist(rows(), schema=pa.schema(SCHEMA, metadata=metadata))
    folder.mkdir(parents=True, exist_ok=True)
    # One dictionary that holds every image once: a picture stands in several rows.
    pq.write_table(
        table, folder / FILE_NAME, use_dictionary=True, dictionary_pagesize_limit=8 << 20, compression="zstd"
    )
    return folder / FILE_NAME


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    path = write(parser.parse_args().out)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
