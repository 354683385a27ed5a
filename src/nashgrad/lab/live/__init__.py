"""`nashgrad live`: the report's page, served while runs train."""

from nashgrad.lab.live.app import create_app
from nashgrad.lab.live.serve import live

__all__ = ["create_app", "live"]
