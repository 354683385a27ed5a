import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from nashgrad.models.padding import same_convolution, same_transposed


def tensorflow_same(x, weight):
    """SAME, stride 2: TensorFlow's rule for the padding, then a direct correlation."""
    before, after = [], []
    for n in x.shape[1:]:
        total = max((-(-n // 2) - 1) * 2 + weight.shape[-1] - n, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    padded = np.pad(x, [(0, 0), *zip(before, after, strict=True)])
    out = [correlate(padded, kernel, mode="valid", method="direct")[0] for kernel in weight]
    return np.stack(out)[:, ::2, ::2]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**16))
def test_convolution_pads_as_tensorflow_does(half_height, half_width, seed):
    torch.manual_seed(seed)
    layer = same_convolution(2, 3).double()
    x = torch.randn(2, 2 * half_height, 2 * half_width, dtype=torch.float64)
    weight, bias = (p.detach().numpy() for p in layer.parameters())
    expected = tensorflow_same(x.numpy(), weight) + bias[:, None, None]
    np.testing.assert_allclose(layer(x[None])[0].detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_transposed_is_the_adjoint(side):
    torch.manual_seed(0)
    down, up = same_convolution(2, 3, bias=False).double(), same_transposed(3, 2, bias=False)
    up = up.double()
    next(up.parameters()).data = next(down.parameters()).data
    x = torch.randn(1, 2, 2 * side, 2 * side, dtype=torch.float64)
    y = torch.randn(1, 3, side, side, dtype=torch.float64)
    assert up(y).shape == x.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())
