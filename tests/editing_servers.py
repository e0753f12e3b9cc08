"""What tests of image APIs share: a benchmark of a few samples, images as servers send them, and what was sent."""

import email.policy
import io
from base64 import b64encode
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scripted_judge import Received, Scripted
from small_benchmark import picture

KEY = "correct-horse-battery-staple"


def png(size: tuple[int, int] = (48, 32), seed: int = 5) -> bytes:
    buffer = io.BytesIO()
    picture(seed, size).save(buffer, format="PNG")
    return buffer.getvalue()


def noise(side: int) -> bytes:
    """A PNG that doesn't compress: side 1300 is about 5 MB."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=0)
    return buffer.getvalue()


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def form(received: Received) -> dict[str, Any]:
    """The fields of a multipart form: texts, and files as bytes."""
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=email.policy.HTTP).parsebytes(head + received.body)
    fields = {}
    for part in message.iter_parts():
        data = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        fields[name] = data if part.get_filename() else data.decode()
    return fields


def edited(**more: Any) -> Scripted:
    """An edit as OpenAI sends it."""
    usage = {
        "input_tokens": 350,
        "input_tokens_details": {"text_tokens": 27, "image_tokens": 323},
        "output_tokens": 4160,
        "total_tokens": 4510,
    }
    return Scripted({"created": 0, "data": [{"b64_json": base64(png())}], "usage": usage, "size": "1536x1024", **more})


def everything(*folders: Path) -> bytes:
    """All bytes of all files in some folders."""
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
