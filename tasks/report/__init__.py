"""A report of runs as one page that needs no network: tables, charts and every decision.

Python makes all text, tables and numbers; the page's own program sorts, draws and searches. Content
that models and news wrote is never markup.
"""

from investorbench.tasks.report.content import ReportContent
from investorbench.tasks.report.folder import ReportFolder, written_report
from investorbench.tasks.report.page import html_page

__all__ = ["ReportContent", "ReportFolder", "html_page", "written_report"]
