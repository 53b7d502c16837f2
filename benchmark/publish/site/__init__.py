"""The leaderboard as a static site: studies, components and tasks, each with a page that opens from disk."""

from __future__ import annotations

from benchmark.publish.site.shown import Past, Shown
from benchmark.publish.site.write import SITE_MARK, site_files

__all__ = ["SITE_MARK", "Past", "Shown", "site_files"]
