import pytest
import torch

from models.training.precision import half_where_native


@pytest.mark.parametrize(("said", "used"), [("avx512_bf16", torch.bfloat16), ("avx2", torch.float32)])
def test_bfloat16_is_used_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, said: str, used: torch.dtype
) -> None:
    """A processor with instructions for bfloat16 learns in it; one without them in float32."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {said: True})

    with half_where_native(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)

    assert product.dtype == used
