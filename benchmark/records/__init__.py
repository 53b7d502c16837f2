"""The waist: what both halves of Swapbench, running and judging, share."""
