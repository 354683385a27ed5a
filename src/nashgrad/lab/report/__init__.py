"""`nashgrad report`: runs as one page that needs nothing but itself."""

from nashgrad.lab.report.data import page_data
from nashgrad.lab.report.report import render, report, write_report
from nashgrad.lab.report.seen import Seen, find_runs, look

__all__ = ["Seen", "find_runs", "look", "page_data", "render", "report", "write_report"]
