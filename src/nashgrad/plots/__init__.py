"""Pictures of a game: each is a function that draws on a matplotlib axis.

Nothing here touches matplotlib's global state, so the functions work without a display and in
threads. Matplotlib and Pillow are imported when a figure is made.
"""

from nashgrad.plots.bands import bands, bands_apart
from nashgrad.plots.curves import lines, loss_curves, norm_curves, series
from nashgrad.plots.densities import density, gaussian_kde
from nashgrad.plots.grids import image_grid, show_grid, to_pil
from nashgrad.plots.layout import Panel, new_figure, over_time, save_png

__all__ = [
    "Panel",
    "bands",
    "bands_apart",
    "density",
    "gaussian_kde",
    "image_grid",
    "lines",
    "loss_curves",
    "new_figure",
    "norm_curves",
    "over_time",
    "save_png",
    "series",
    "show_grid",
    "to_pil",
]
