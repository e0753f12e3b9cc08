"""Which check each kind of recorded case is given."""

from collections.abc import Callable, Iterator

from step1x_edit.comparing import Case, Comparison, Skipped
from step1x_edit.loop_checks import check_loop, check_teacache
from step1x_edit.network_checks import (
    check_autoencoder_decode,
    check_autoencoder_encode,
    check_connector,
    check_dit,
    check_dit_diffusers,
    check_double_block,
    check_final_layer,
    check_lora,
    check_single_block,
)
from step1x_edit.table_checks import (
    check_guidance_factor,
    check_packing,
    check_prompt_ids,
    check_quote_split,
    check_rope,
    check_schedule,
    check_sizing,
    check_timestep_embeddings,
)

Check = Callable[[Case], Iterator[Comparison]]


def unsupported(case: Case) -> Iterator[Comparison]:
    """Say that a kind isn't implemented."""
    raise Skipped("not supported yet")


CHECKS: dict[str, Check] = {
    "timestep_embeddings": check_timestep_embeddings,
    "rope": check_rope,
    "connector": check_connector,
    "double_block": check_double_block,
    "single_block": check_single_block,
    "final_layer": check_final_layer,
    "dit": check_dit,
    "dit_diffusers": check_dit_diffusers,
    "autoencoder_encode": check_autoencoder_encode,
    "autoencoder_decode": check_autoencoder_decode,
    "packing": check_packing,
    "guidance_factor": check_guidance_factor,
    "loop": check_loop,
    "teacache": check_teacache,
    "lora": check_lora,
    "sizing": check_sizing,
    "schedule": check_schedule,
    "quote_split": check_quote_split,
    "prompt_ids": check_prompt_ids,
    "v1.2": unsupported,
}
