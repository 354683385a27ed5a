"""5x5 convolutions of stride 2 with TensorFlow's SAME padding.

For an even input TensorFlow pads 3 pixels in all, 1 before and 2 after. torch pads both sides
alike, and `padding=2` puts every window one pixel off, so the odd pixel is padded (or cropped)
on its own.
"""

from torch import nn

KERNEL, STRIDE = 5, 2


def same_convolution(inputs: int, outputs: int, *, bias: bool = True) -> nn.Sequential:
    """The convolution (n, inputs, 2s, 2s) -> (n, outputs, s, s)."""
    return nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(inputs, outputs, KERNEL, STRIDE, padding=1, bias=bias),
    )


def same_transposed(inputs: int, outputs: int, *, bias: bool = True) -> nn.Sequential:
    """Its adjoint (n, inputs, s, s) -> (n, outputs, 2s, 2s), which crops 1 before and 2 after."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, KERNEL, STRIDE, padding=1, bias=bias),
        nn.ZeroPad2d((0, -1, 0, -1)),
    )
