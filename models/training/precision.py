"""The precision in which networks learn."""

import torch

_NATIVE = ("amx_bf16", "avx512_bf16")  # what a processor that computes in bfloat16 says of itself


def half_where_native(device: torch.device) -> torch.autocast:
    """A context in which a network computes in bfloat16 if the device does, and in float32 if it only imitates it.

    Imitated, a step takes ten times as long as in float32.
    """
    native = device.type != "cpu" or any(torch.cpu.get_capabilities().get(name) for name in _NATIVE)
    return torch.autocast(device.type, torch.bfloat16, enabled=native)
