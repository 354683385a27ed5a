"""What every web page of the laboratory shares: one file each, nothing fetched."""

from nashgrad.lab.pages.page import (
    PALETTE,
    asset,
    data_url,
    embedded,
    file_to_write,
    page,
    plotly,
)

__all__ = ["PALETTE", "asset", "data_url", "embedded", "file_to_write", "page", "plotly"]
