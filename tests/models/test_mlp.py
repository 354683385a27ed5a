import pytest
import torch

from nashgrad.models import MLP


def parameters(net):
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_the_mixture_networks_have_2003_parameters():
    generator = MLP([16, 16, 16, 16, 16, 2])
    discriminator = MLP([2, 16, 16, 16, 16, 1])
    assert parameters(generator) + parameters(discriminator) == 2003


def test_forward_is_the_formula():
    net = MLP([3, 4, 2], activation="leaky_relu", output="tanh").double()
    x = torch.randn(5, 3, dtype=torch.float64)
    first, second = (m for m in net.modules() if isinstance(m, torch.nn.Linear))
    hidden = x @ first.weight.T + first.bias
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    torch.testing.assert_close(net(x), (hidden @ second.weight.T + second.bias).tanh())


def test_images_are_flattened_and_shaped():
    assert MLP([64, 8, 1])(torch.zeros(5, 1, 8, 8)).shape == (5, 1)
    assert MLP([3, 8, 64], shape=(1, 8, 8))(torch.zeros(5, 3)).shape == (5, 1, 8, 8)


def test_labels_are_appended_one_hot():
    net = MLP([2, 1], labels=3).double()
    x = torch.randn(4, 2, dtype=torch.float64)
    label = torch.tensor([0, 2, 1, 2])
    (linear,) = (m for m in net.modules() if isinstance(m, torch.nn.Linear))
    expected = x @ linear.weight[:, :2].T + linear.weight[:, 2:].T[label] + linear.bias
    torch.testing.assert_close(net(x, label), expected)


def test_labels_must_fit():
    with pytest.raises(ValueError, match=r"^this network is conditional on 3 classes: pass label$"):
        MLP([2, 1], labels=3)(torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"^this network has no classes: leave label out"):
        MLP([2, 1])(torch.zeros(4, 2), torch.zeros(4))


@pytest.mark.parametrize("sizes", [[3], [], [3, 0, 1]])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="give at least two positive sizes"):
        MLP(sizes)


def test_unknown_names():
    message = r"^activation 'gelu': unknown, choose from none, relu, leaky_relu, tanh$"
    with pytest.raises(ValueError, match=message):
        MLP([2, 2, 1], activation="gelu")
    with pytest.raises(ValueError, match=r"^initialization 'x': unknown"):
        MLP([2, 2, 1], initialization="x")
