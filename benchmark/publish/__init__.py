"""Studies that strangers can check: bundles, and what is found when they are checked."""
