"""Running what is missing: pipelines, tuning, cells, and the executors that spread them."""
