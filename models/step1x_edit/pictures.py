"""Pictures as tensors and back."""

import torch
from PIL import Image
from torch import Tensor


def to_tensor(picture: Image.Image) -> Tensor:
    """Return an RGB picture as (1, 3, H, W) in [-1, 1], float32."""
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return pixels.reshape(1, picture.height, picture.width, 3).permute(0, 3, 1, 2).float() / 255 * 2 - 1


def to_picture(image: Tensor) -> Image.Image:
    """Return the picture of (1, 3, H, W) in about [-1, 1]; values are clamped, then truncated to 8 bits."""
    pixels = (image[0].float().clamp(-1, 1) * 0.5 + 0.5).mul(255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu()
    return Image.frombytes("RGB", (pixels.shape[1], pixels.shape[0]), pixels.numpy().tobytes())
