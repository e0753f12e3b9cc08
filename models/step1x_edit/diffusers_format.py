"""The diffusers layout of the same weights: which of its tensors make up one of ours.

Fused projections are stored apart there: ours are their rows put together. The output layer's
modulation has its halves exchanged (scale first).
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor


class Source(NamedTuple):
    """Where a tensor comes from: tensors to put together along dimension 0, and what is done to the result."""

    names: tuple[str, ...]
    swap_halves: bool = False
    to_convolution: bool = False


_EMBEDDERS = {"img_in": "x_embedder", "txt_in": "context_embedder", "time_in": "time_embed", "vector_in": "vec_embed"}
_FEED_FORWARD = {"0": "net.0.proj", "2": "net.2"}
_ATTENTION_NORMS = {"query": ("norm_q", "norm_added_q"), "key": ("norm_k", "norm_added_k")}
_DOUBLE = re.compile(r"double_blocks\.(?P<index>\d+)\.(?P<stream>img|txt)_(?P<part>mod|attn|mlp)\.(?P<rest>.+)")
_SINGLE = re.compile(r"single_blocks\.(?P<index>\d+)\.(?P<rest>.+)")


def transformer_source(name: str) -> Source:
    """Return the tensors of a diffusers transformer that make up our tensor `name`.

    Raises:
        KeyError: the diffusers format has no such tensor, `connector.scale_factor` for one.
    """
    if match := _DOUBLE.fullmatch(name):
        return _double(f"transformer_blocks.{match['index']}", match["stream"] == "img", match["part"], match["rest"])
    if match := _SINGLE.fullmatch(name):
        return _single(f"single_transformer_blocks.{match['index']}", match["rest"])
    head, _, rest = name.partition(".")
    if head in _EMBEDDERS:
        return Source((f"{_EMBEDDERS[head]}.{rest}",))
    if head == "final_layer":
        part, _, kind = rest.rpartition(".")
        names = {"adaLN_modulation.1": "norm_out.linear", "linear": "proj_out"}
        return Source((f"{names[part]}.{kind}",), swap_halves=part != "linear")
    if head == "connector" and rest != "scale_factor":
        return Source((name,))
    raise KeyError(name)


def _double(block: str, image: bool, part: str, rest: str) -> Source:
    layer, _, kind = rest.rpartition(".")
    if part == "mod":
        return Source((f"{block}.norm1{'' if image else '_context'}.linear.{kind}",))
    if part == "mlp":
        return Source((f"{block}.ff{'' if image else '_context'}.{_FEED_FORWARD[layer]}.{kind}",))
    if layer == "qkv":
        parts = ("to_q", "to_k", "to_v") if image else ("add_q_proj", "add_k_proj", "add_v_proj")
        return Source(tuple(f"{block}.attn.{one}.{kind}" for one in parts))
    if layer == "proj":
        return Source((f"{block}.attn.{'to_out.0' if image else 'to_add_out'}.{kind}",))
    norm = layer.removeprefix("norm.").removesuffix("_norm")
    return Source((f"{block}.attn.{_ATTENTION_NORMS[norm][0 if image else 1]}.weight",))


def _single(block: str, rest: str) -> Source:
    layer, _, kind = rest.rpartition(".")
    if layer == "linear1":
        return Source(tuple(f"{block}.{one}.{kind}" for one in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")))
    if layer == "linear2":
        return Source((f"{block}.proj_out.{kind}",))
    if layer == "modulation.lin":
        return Source((f"{block}.norm.linear.{kind}",))
    norm = layer.removeprefix("norm.").removesuffix("_norm")
    return Source((f"{block}.attn.{_ATTENTION_NORMS[norm][0]}.weight",))


_LEVEL = re.compile(r"(?P<half>encoder|decoder)\.(?:down|up)\.(?P<level>\d+)\.(?P<rest>.+)")
_MIDDLE = re.compile(r"(?P<half>encoder|decoder)\.mid\.(?P<part>block_1|block_2|attn_1)\.(?P<rest>.+)")
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def autoencoder_source(levels: int) -> Callable[[str], Source]:
    """Return the function from our autoencoder's names to a diffusers autoencoder's, for a number of levels."""

    def source(name: str) -> Source:
        if match := _LEVEL.fullmatch(name):
            return Source((_level(match["half"], int(match["level"]), match["rest"], levels),))
        if match := _MIDDLE.fullmatch(name):
            return _middle(f"{match['half']}.mid_block", match["part"], match["rest"])
        return Source((name.replace(".norm_out.", ".conv_norm_out."),))

    return source


def _level(half: str, level: int, rest: str, levels: int) -> str:
    rest = rest.replace("nin_shortcut", "conv_shortcut").replace("block.", "resnets.", 1)
    if half == "encoder":
        return f"encoder.down_blocks.{level}.{rest.replace('downsample.', 'downsamplers.0.')}"
    return f"decoder.up_blocks.{levels - 1 - level}.{rest.replace('upsample.', 'upsamplers.0.')}"


def _middle(block: str, part: str, rest: str) -> Source:
    if part != "attn_1":
        return Source((f"{block}.resnets.{int(part[-1]) - 1}.{rest}",))
    layer, _, kind = rest.rpartition(".")
    name = f"{block}.attentions.0.{_VAE_ATTENTION[layer]}.{kind}"
    return Source((name,), to_convolution=layer != "norm" and kind == "weight")


def assembled(source: Source, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return our tensor, put together from those of the diffusers format.

    Raises:
        KeyError: one of them is missing.
    """
    parts = [tensors[name] for name in source.names]
    tensor = parts[0] if len(parts) == 1 else torch.cat(parts)
    if source.swap_halves:
        tensor = torch.cat(tensor.chunk(2)[::-1])
    return tensor[..., None, None] if source.to_convolution and tensor.ndim == 2 else tensor
