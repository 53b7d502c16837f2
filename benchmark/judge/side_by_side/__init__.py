"""Several methods side by side: their standing, all their pairs, and what can be said of them in words."""
