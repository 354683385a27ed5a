"""Pictures of a game: each is a function that draws on a matplotlib axis.

Nothing here touches matplotlib's global state, so the functions work without a display and in
threads. Matplotlib and Pillow are imported when a figure is made.
"""

from nashgrad.plots.bands import bands, bands_apart
from nashgrad.plots.curves import lines, loss_curves, norm_curves, series
from nashgrad.plots.densities import density, gaussian_kde
from nashgrad.plots.discs import figure_one, unit_disc
from nashgrad.plots.dots import seed_dots, seed_lines
from nashgrad.plots.fields import rest_point, trajectory, vector_field
from nashgrad.plots.grids import image_grid, show_grid, show_png, to_pil
from nashgrad.plots.history import SpectrumHistory, spectra_over_time
from nashgrad.plots.layout import Panel, new_figure, over_time, save_png
from nashgrad.plots.paths import path_cosines, path_norms, path_picture
from nashgrad.plots.spectra import Region, eigenvalue_plane, region_of, spectra_side_by_side

__all__ = [
    "Panel",
    "Region",
    "SpectrumHistory",
    "bands",
    "bands_apart",
    "density",
    "eigenvalue_plane",
    "figure_one",
    "gaussian_kde",
    "image_grid",
    "lines",
    "loss_curves",
    "new_figure",
    "norm_curves",
    "over_time",
    "path_cosines",
    "path_norms",
    "path_picture",
    "region_of",
    "rest_point",
    "save_png",
    "seed_dots",
    "seed_lines",
    "series",
    "show_grid",
    "show_png",
    "spectra_over_time",
    "spectra_side_by_side",
    "to_pil",
    "trajectory",
    "unit_disc",
    "vector_field",
]
