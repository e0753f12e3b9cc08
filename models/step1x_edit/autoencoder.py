"""The autoencoder: images to latents at an eighth of their sides, and back."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderSize:
    """The autoencoder's size; the defaults are the published ones (83.8 million parameters)."""

    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 2
    latent: int = 16
    scale: float = 0.3611
    shift: float = 0.1159


def group_norm(channels: int) -> nn.GroupNorm:
    """Group norm with 32 groups."""
    return nn.GroupNorm(GROUPS, channels, eps=1e-6)


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.norm1 = group_norm(before)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.norm2 = group_norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        if before != after:
            self.nin_shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, after, h, w)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class SpatialAttention(nn.Module):
    """Attention of one head over all positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w)."""
        n = self.norm(x)
        q, k, v = (layer(n).flatten(2).transpose(1, 2)[:, None] for layer in (self.q, self.k, self.v))
        seen = F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.proj_out(seen)


class Middle(nn.Module):
    """The narrowest part of encoder and decoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = SpatialAttention(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w)."""
        return self.block_2(self.attn_1(self.block_1(x)))


class Halve(nn.Module):
    """Convolution with stride 2, padded at right and bottom only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h/2, w/2)."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Double(nn.Module):
    """Nearest neighbour, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, 2h, 2w)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """One resolution: residual blocks, and what leads to the next resolution, if any."""

    def __init__(self, before: int, after: int, blocks: int) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(after if index else before, after) for index in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Return the next resolution."""
        for block in self.block:
            x = block(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class Encoder(nn.Module):
    """Image (B, 3, H, W) in [-1, 1] to moments (B, 2·latent, H/8, W/8)."""

    def __init__(self, size: AutoencoderSize) -> None:
        super().__init__()
        widths = [size.channels * multiplier for multiplier in (1, *size.multipliers)]
        self.conv_in = nn.Conv2d(3, size.channels, 3, padding=1)
        self.down = nn.ModuleList()
        for index in range(len(size.multipliers)):
            level = Level(widths[index], widths[index + 1], size.blocks)
            if index < len(size.multipliers) - 1:
                level.downsample = Halve(widths[index + 1])
            self.down.append(level)
        self.mid = Middle(widths[-1])
        self.norm_out = group_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], 2 * size.latent, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the moments."""
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    """Latent (B, latent, h, w) to image (B, 3, 8h, 8w). `up[0]` has the highest resolution."""

    def __init__(self, size: AutoencoderSize) -> None:
        super().__init__()
        widths = [size.channels * multiplier for multiplier in size.multipliers]
        self.conv_in = nn.Conv2d(size.latent, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        levels = []
        for index in range(len(widths)):
            before = widths[min(index + 1, len(widths) - 1)]
            level = Level(before, widths[index], size.blocks + 1)
            if index:
                level.upsample = Double(widths[index])
            levels.append(level)
        self.up = nn.ModuleList(levels)
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image, about in [-1, 1]."""
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Autoencoder(nn.Module):
    """Encoder and decoder with the latent's scale and shift. Module names are those of `vae.safetensors`."""

    def __init__(self, size: AutoencoderSize | None = None) -> None:
        super().__init__()
        self.size = size or AutoencoderSize()
        self.encoder = Encoder(self.size)
        self.decoder = Decoder(self.size)

    def moments(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the posterior, each (B, latent, H/8, W/8)."""
        mean, log_variance = self.encoder(image).chunk(2, dim=1)
        return mean, log_variance

    def encode(self, image: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return s·(μ + e^(ℓ/2)·ε - c): a posterior sample for noise ε, the mode without.

        Args:
            image: (B, 3, H, W) in [-1, 1], sides multiples of 8.
            noise: standard normal, of the latent's shape.
        """
        return self.latent(*self.moments(image), noise)

    def latent(self, mean: Tensor, log_variance: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the latent of a posterior (μ, ℓ), as `encode` does, each (B, C, h, w)."""
        z = mean if noise is None else mean + torch.exp(log_variance / 2) * noise
        return self.size.scale * (z - self.size.shift)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the image of a latent, (B, 3, 8h, 8w), about in [-1, 1]."""
        return self.decoder(latent / self.size.scale + self.size.shift)
