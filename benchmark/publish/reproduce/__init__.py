"""A random sample of a published study's jobs, run again, and what that says about the study."""
