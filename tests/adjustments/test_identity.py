"""What a chain is made of; how its members act together is tested with them."""

import re

import pytest

import nashgrad as ng

WRONG = [
    (
        (ng.Consensus(1.0), ng.Extragradient()),
        "Chain: expected adjustments such as Consensus(10.0), got Extragradient(resample=False)",
    ),
    (
        ([ng.Consensus(1.0)],),
        "Chain: write adjustments one after the other, without a list: "
        "Chain(Consensus(10.0), ClipNorm(1.0))",
    ),
    (
        (ng.Consensus(1.0), ng.Optimistic),
        "Chain: Optimistic is a class; write Optimistic(...)",
    ),
    (("consensus",), "Chain: expected adjustments such as Consensus(10.0), got 'consensus'"),
]


@pytest.mark.parametrize(("members", "message"), WRONG)
def test_what_is_no_member_of_a_chain(members: tuple[object, ...], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        ng.Chain(*members)  # type: ignore[arg-type]


def test_chains_are_members_of_chains() -> None:
    inner = ng.Chain(ng.Consensus(1.0), ng.ClipNorm(1.0))
    assert ng.Chain(inner, ng.Optimistic()).adjustments == (inner, ng.Optimistic())
    assert ng.Chain().adjustments == ()
