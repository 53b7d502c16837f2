"""The plan of a study as a value: pure, without clock, disk or global random state."""
