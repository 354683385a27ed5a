"""What is known of torch's operations: which are smooth, constant, or choose among numbers."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from torch import Tensor
from torch._ops import OpOverload


class Kind(enum.Enum):
    """How an operation depends on its arguments."""

    SMOOTH = enum.auto()
    CONSTANT = enum.auto()  # piece by piece: its derivative is zero
    CHOICE = enum.auto()  # (values, indices), the values being those of the argument there
    KINKED = enum.auto()  # and all that is not known


def kind_of(op: OpOverload, args: tuple[Any, ...], named: Mapping[str, Any]) -> Kind:
    """The kind of one call."""
    kind = _kind(op)
    if kind is Kind.KINKED and (smooth := SMOOTH_IF.get(_name(op))) is not None:
        return Kind.SMOOTH if smooth(lambda name: argument(op, name, args, named)) else kind
    return kind


def argument(op: OpOverload, name: str, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """An argument of a call by its name, or what stands for it where it is not given."""
    for i, formal in enumerate(op._schema.arguments):
        if formal.name == name:
            given = args[i] if i < len(args) else named.get(name)
            return formal.default_value if given is None else given
    return None


def choice(
    op: OpOverload, args: tuple[Any, ...], named: Mapping[str, Any], indices: Tensor
) -> Tensor:
    """The values of an operation that chooses, at given indices."""
    x: Tensor = args[0]
    if "pool" in (name := _name(op)):
        begin = -3 if "3d" in name else -2
        return x.flatten(begin).gather(-1, indices.flatten(begin)).view(indices.shape)
    dim = argument(op, "dim", args, named)
    if indices.dim() < x.dim():
        return x.gather(dim, indices.unsqueeze(dim)).squeeze(dim)
    return x.gather(dim, indices)


@cache
def _kind(op: OpOverload) -> Kind:
    name = _name(op)
    # A backward pass within a loss, of a penalty: what it is the slope of was looked at before.
    smooth = name in SMOOTH or name.startswith(SMOOTH_PREFIXES) or "backward" in name
    if op._overloadname in ("Tensor_mode", "Scalar_mode"):  # division, rounded
        return Kind.CONSTANT
    if op.namespace != "aten" or smooth:
        return Kind.SMOOTH
    if name in CONSTANT:
        return Kind.CONSTANT
    chooses = [str(x.type) for x in op._schema.returns] == ["Tensor", "Tensor"]
    return Kind.CHOICE if name in CHOICE and chooses else Kind.KINKED


def _name(op: OpOverload) -> str:
    """Without the underscore of what works in place."""
    return op._opname.removesuffix("_")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


CHOICE = _words(
    "max min median nanmedian mode kthvalue sort topk cummax cummin",
    "max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d adaptive_max_pool3d",
    "fractional_max_pool2d fractional_max_pool3d",
)
CONSTANT = _words(
    "eq ne lt le gt ge equal isin isnan isinf isposinf isneginf signbit is_nonzero any all",
    "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not",
    "sign sgn heaviside round floor ceil trunc floor_divide",
    "argmax argmin nonzero count_nonzero bucketize searchsorted bincount _local_scalar_dense",
    # Draws of a game are those of its first pass.
    "rand randn rand_like randn_like randint randint_like randperm multinomial poisson",
    "bernoulli normal uniform exponential random log_normal cauchy geometric",
)
SMOOTH_PREFIXES = ("upsample_", "_upsample_", "_scaled_dot_product_", "new_", "_fft_")
SMOOTH = _words(
    # Views and copies.
    "alias as_strided detach diagonal expand permute reshape select slice split split_with_sizes",
    "squeeze t transpose unbind unfold unsqueeze view _unsafe_view _reshape_alias unsafe_split",
    "unsafe_split_with_sizes view_as_real view_as_complex lift lift_fresh lift_fresh_copy",
    "_conj _conj_physical conj_physical _neg_view real imag set clone copy _to_copy cat stack",
    "repeat repeat_interleave flip roll rot90 constant_pad_nd reflection_pad1d reflection_pad2d",
    "reflection_pad3d replication_pad1d replication_pad2d replication_pad3d gather index",
    "_unsafe_index index_select take embedding masked_fill masked_select masked_scatter where",
    "scatter scatter_add index_add index_put index_copy index_fill select_scatter slice_scatter",
    "tril triu diag_embed fill zero im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle",
    "nan_to_num",
    # What depends on nothing.
    "arange empty empty_like empty_strided eye full full_like linspace ones ones_like",
    "scalar_tensor zeros zeros_like tril_indices triu_indices",
    # Arithmetic and elementary functions.
    "add sub rsub mul div neg reciprocal square pow sqrt rsqrt exp exp2 expm1 log log1p log2 log10",
    "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv",
    "lgamma digamma logaddexp logaddexp2 addcmul addcdiv lerp hypot sinc xlogy angle",
    # Sums and products.
    "mm bmm addmm addmv addr mv dot vdot baddbmm addbmm linear matmul _trilinear convolution",
    "_convolution mkldnn_convolution mkldnn_linear sum nansum mean var var_mean std std_mean prod",
    "logsumexp cumsum cumprod logcumsumexp trace _euclidean_dist",
    # Layers.
    "native_batch_norm cudnn_batch_norm _native_batch_norm_legit _batch_norm_with_update",
    "_native_batch_norm_legit_functional _native_batch_norm_legit_no_training",
    "_batch_norm_no_update native_layer_norm native_group_norm _fused_rms_norm",
    "_weight_norm_interface avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d",
    "_adaptive_avg_pool2d _adaptive_avg_pool3d gelu silu mish softplus celu glu",
    "log_sigmoid_forward _softmax _log_softmax _safe_softmax _fused_sdp_choice",
    "_flash_attention_forward _efficient_attention_forward _thnn_fused_lstm_cell",
    "_thnn_fused_gru_cell mkldnn_rnn_layer",
    # Losses.
    "mse_loss binary_cross_entropy binary_cross_entropy_with_logits nll_loss_forward",
    "nll_loss2d_forward soft_margin_loss",
    # Linear algebra.
    "linalg_inv_ex _linalg_solve_ex _linalg_det _linalg_slogdet linalg_cholesky_ex cholesky_solve",
    "linalg_solve_triangular linalg_qr linalg_matrix_exp _linalg_eigh _linalg_svd",
)
"""Those with a gradient that is continuous where networks come; what is missing is refused."""

Given = Callable[[str], Any]
"""An argument by its name."""

SMOOTH_IF: Mapping[str, Callable[[Given], bool]] = {
    "abs": lambda of: of("self").is_complex(),
    "elu": lambda of: of("alpha") * of("input_scale") == 1 and of("scale") == 1,
    "linalg_vector_norm": lambda of: 1 < of("ord") < math.inf,
    "norm": lambda of: 1 < (2 if of("p") is None else of("p")) < math.inf,
    "_cdist_forward": lambda of: of("p") == 2,
    "_cudnn_rnn": lambda of: of("mode") != 0,  # 0 is relu
}
