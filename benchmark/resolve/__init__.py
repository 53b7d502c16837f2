"""The first stage: from what a person typed to a resolved study."""
