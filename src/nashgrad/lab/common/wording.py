"""Numbers as text says them."""


def counted(count: int, noun: str) -> str:
    """How many of something there are.

    >>> counted(1, "seed"), counted(12_000, "step")
    ('1 seed', '12,000 steps')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def seconds(value: float) -> str:
    """A time without its unit: whole from ten on, one decimal below, never 0 where it is more.

    >>> seconds(1234.5), seconds(9.96), seconds(0.5), seconds(0.0213), seconds(0)
    ('1,234', '10', '0.5', '0.02', '0')
    """
    shown = f"{value:,.0f}" if value == 0 or round(value, 1) >= 10 else f"{value:.1f}"
    return shown if shown != "0.0" else f"{value:.1g}"
