"""A worker process and who looks after it: its guard, what it is given next, what it may hold."""
